// Draws the conversation. Everything anybody wrote enters the page as text, never as markup.

import { answeredUpTo } from './history.js';
import { language, say } from './wording.js';

const PICTURE = /^pictures\/[\w-]+\.[a-z]+$/;
const FILE = /^files\/[\w-]+\.[a-z]+$/;
const NEAR_PX = 120;

const log = document.getElementById('log');
const newer = document.getElementById('newer');
const empty = document.getElementById('empty');
const drawn = new Map(); // key -> {element, update}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function button(className, text, act) {
  const element = make('button', className, text);
  element.type = 'button';
  element.addEventListener('click', act);
  return element;
}

function timeOf(iso) {
  const time = new Date(iso);
  if (isNaN(time)) return '';
  const clock = { hour: '2-digit', minute: '2-digit', hour12: false };
  if (time.toDateString() === new Date().toDateString()) return time.toLocaleTimeString(language, clock);
  return time.toLocaleString(language, { day: '2-digit', month: '2-digit', ...clock });
}

function bubble(entry) {
  const element = make('div', 'message ' + entry.from);
  element.append(make('span', 'unseen', say(entry.from === 'me' ? 'page.me' : 'page.bot') + ': '));
  return element;
}

// ---- the bot's messages

function picture(shown) {
  const link = make('a', 'picture');
  link.href = shown.url;
  link.target = '_blank';
  link.rel = 'noopener';
  const image = make('img');
  image.width = shown.width;
  image.height = shown.height;
  image.alt = shown.alt || say('page.picture');
  image.loading = 'lazy';
  image.addEventListener('error', () => image.classList.add('missing'));
  image.addEventListener('load', () => image.classList.remove('missing'));
  image.src = shown.url;
  link.append(image);
  link.addEventListener('click', (event) => { if (enlarge(image)) event.preventDefault(); });
  return link;
}

function file(shown) {
  const link = make('a', 'file', say('page.file', { name: shown.name }));
  link.href = shown.url;
  link.download = shown.name;
  return link;
}

function enlarge(image) {
  const dialog = document.getElementById('large');
  if (!dialog.showModal) return false;
  const large = document.getElementById('large-picture');
  large.src = image.currentSrc || image.src;
  large.alt = image.alt;
  dialog.showModal();
  return true;
}

function choices(entry, act) {
  const group = make('div', 'choices');
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', say('page.choices'));
  entry.choices.forEach((choice) => {
    group.append(button('choice', choice.label, () => { close(group); act.choose(entry, choice); }));
  });
  return group;
}

function close(group) {
  group.querySelectorAll('button').forEach((element) => { element.disabled = true; });
}

function drawBot(entry, act) {
  const element = bubble(entry);
  if (entry.text) element.append(make('p', 'text', entry.parts ? '' : entry.text));
  (entry.parts || []).forEach((part, place) => element.lastChild.append(place % 2 ? make('mark', '', part) : part));
  if (entry.picture && PICTURE.test(entry.picture.url)) element.append(picture(entry.picture));
  if (entry.file && FILE.test(entry.file.url)) element.append(file(entry.file));
  const group = entry.choices && entry.choices.length ? choices(entry, act) : null;
  if (group) element.append(group);
  element.append(make('p', 'meta', timeOf(entry.at)));
  const update = (now, state) => {
    if (!group) return;
    const open = now.seq > state.answered;
    group.querySelectorAll('button').forEach((choice) => { choice.disabled = !open; });
  };
  return { element, update };
}

// ---- her own messages

function photoThumb(photo) {
  if (!photo.thumb) return make('p', 'text', say('page.photo_sent'));
  const image = make('img', 'thumb');
  const address = URL.createObjectURL(photo.thumb);
  image.addEventListener('load', () => URL.revokeObjectURL(address));
  image.width = photo.width;
  image.height = photo.height;
  image.alt = say('page.photo_sent');
  image.src = address;
  return image;
}

function fillOwn(element, entry) {
  if (entry.hidden) {
    element.append(make('p', 'text', say('page.hidden')));
    return;
  }
  entry.photos.forEach((photo) => element.append(photoThumb(photo)));
  const text = entry.text || entry.label;
  if (text) element.append(make('p', 'text', text));
}

function stateText(entry, state) {
  if (entry.held) return say('page.held');
  if (entry.state === 'sent') return say('page.sent', { time: timeOf(entry.at) });
  if (entry.state === 'refused') return say('page.not_accepted');
  return say(state.sending === entry.id ? 'page.sending' : 'page.unsent');
}

function ownButtons(entry, state, act) {
  if (entry.held) {
    return [button('small', say('page.send_held'), () => act.release(entry)), button('small', say('page.drop_held'), () => act.drop(entry))];
  }
  if (entry.state === 'refused' && entry.text) return [button('small', say('page.rewrite'), () => act.rewrite(entry))];
  if (entry.state === 'unsent' && state.sending !== entry.id) return [button('small', say('page.retry'), act.retry)];
  return [];
}

function drawOwn(entry, act) {
  const element = bubble(entry);
  fillOwn(element, entry);
  const foot = make('div', 'foot');
  element.append(foot);
  let before = '';
  const update = (now, state) => {
    const text = stateText(now, state);
    if (text === before) return; // redrawing would take the focus from a button
    before = text;
    element.dataset.state = now.held ? 'held' : now.state;
    foot.textContent = '';
    if (now.state === 'refused') {
      const error = make('p', 'error', now.error);
      error.setAttribute('role', 'alert');
      foot.append(error);
    }
    foot.append(make('p', 'meta', text));
    ownButtons(now, state, act).forEach((one) => foot.append(one));
  };
  return { element, update };
}

// ---- the whole

function nearEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
}

export function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
  newer.hidden = true;
}

function remove(keys) {
  Array.from(drawn.keys()).filter((key) => !keys.has(key)).forEach((key) => {
    drawn.get(key).element.remove();
    drawn.delete(key);
  });
}

function add(entry, act) {
  const part = entry.from === 'me' ? drawOwn(entry, act) : drawBot(entry, act);
  drawn.set(entry.key, part);
  log.append(part.element);
  return entry;
}

// act: {choose(entry, choice), retry(), release(entry), drop(entry), rewrite(entry)}; sending: id on its way, or null.
export function draw(entries, sending, act) {
  const stay = nearEnd();
  const state = { sending, answered: answeredUpTo(entries) };
  remove(new Set(entries.map((entry) => entry.key)));
  const added = entries.filter((entry) => !drawn.has(entry.key)).map((entry) => add(entry, act));
  entries.forEach((entry) => drawn.get(entry.key).update(entry, state));
  empty.hidden = entries.length > 0;
  if (stay || added.some((entry) => entry.from === 'me')) scrollToEnd();
  else if (added.length) newer.hidden = false;
}

export function clearView() {
  remove(new Set());
  newer.hidden = true;
}

// Pictures that could not be fetched are asked for again.
export function fetchMissingPictures() {
  log.querySelectorAll('img.missing').forEach((image) => { image.src = image.getAttribute('src'); });
}

export function showNotice(id, text) {
  const notice = document.getElementById(id);
  if (notice.textContent === text && notice.hidden === !text) return;
  notice.textContent = text;
  notice.hidden = !text;
}

newer.addEventListener('click', () => { scrollToEnd(); log.focus(); });
log.addEventListener('scroll', () => { if (nearEnd()) newer.hidden = true; });
// The keyboard opening or a rotated phone must not hide the last message.
let atEnd = true;
log.addEventListener('scroll', () => { atEnd = nearEnd(); });
window.addEventListener('resize', () => { if (atEnd) scrollToEnd(); });
document.getElementById('large-close').addEventListener('click', () => document.getElementById('large').close());
