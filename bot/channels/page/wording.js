// All words of the page come from the server, in her language; none stand in the code.

const texts = JSON.parse(document.getElementById('wording').textContent);

export const language = document.documentElement.lang || 'vi';

// The text of a key with {name} filled from `values`; an unknown key shows itself, so it is noticed.
export function say(key, values) {
  const text = key in texts ? texts[key] : key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? String(values[name]) : whole));
}

export function fillWording(root) {
  const set = (attribute, apply) => {
    root.querySelectorAll('[' + attribute + ']').forEach((element) => apply(element, say(element.getAttribute(attribute))));
  };
  set('data-text', (element, text) => { element.textContent = text; });
  set('data-label', (element, text) => element.setAttribute('aria-label', text));
  set('data-hint', (element, text) => { element.title = text; });
  set('data-placeholder', (element, text) => { element.placeholder = text; });
}
