// Quick exit and log-out: what has to vanish, and in which order, so that a shared phone tells nothing.

import { concealed } from './history.js';
import { backoffMs, request } from './line.js';
import { keepDraft } from './composer.js';
import { clearView, showNotice } from './view.js';
import { say } from './wording.js';

const TWICE_MS = 1500;
const WIPE_MS = 500;

const within = (ms, work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, ms))]);

// Flags in localStorage are written at once, so they hold even if the tab dies before the database is ready.
export function makeFlags(name) {
  const quietly = (act) => { try { return act(); } catch (error) { return null; } };
  return {
    raise: (flag) => quietly(() => localStorage.setItem(name + flag, '1')),
    lower: (flag) => quietly(() => localStorage.removeItem(name + flag)),
    isUp: (flag) => quietly(() => localStorage.getItem(name + flag)) === '1',
    // Tells the other tabs of this visitor; the storage event reaches all tabs but this one.
    tell: (what) => quietly(() => localStorage.setItem(name + 'signal', what + ' ' + Date.now() + Math.random())),
    onTold: (act) => window.addEventListener('storage', (event) => {
      if (event.key === name + 'signal' && event.newValue) act(event.newValue.split(' ')[0]);
    }),
  };
}

async function dropCaches(folder, prefix) {
  if (!window.caches) return;
  const names = await caches.keys();
  await Promise.all(names.filter((one) => one.startsWith(prefix) && one.endsWith(':' + folder)).map((one) => caches.delete(one)));
}

function blank() {
  document.documentElement.classList.add('left');
  document.title = '…';
  clearView();
  keepDraft('');
  document.getElementById('text').value = '';
}

// ---- quick exit: gone from sight at once, erased right after, unsent messages stay (without their words)

function neutralSite() {
  const address = say('page.exit_url');
  return /^https?:\/\//.test(address) ? address : 'about:blank';
}

export async function conceal(store, folder) {
  await store.update(concealed());
  await dropCaches(folder, 'lantoa-pictures').catch(() => {});
}

export async function quickExit({ store, flags, folder, told }) {
  blank();
  flags.raise('conceal');
  if (!told) flags.tell('exit');
  const erased = store ? conceal(store, folder).then(() => flags.lower('conceal')) : Promise.resolve();
  await within(WIPE_MS, erased.catch(() => {}));
  window.location.replace(neutralSite());
}

export function onEscapeTwice(act) {
  let last = -Infinity;
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.repeat) return;
    const now = performance.now();
    if (now - last < TWICE_MS) act();
    last = now;
  }, true);
}

// ---- log-out

async function forget({ store, folder }) {
  blank();
  await store.erase();
  await dropCaches(folder, 'lantoa-').catch(() => {});
  if (!navigator.serviceWorker) return;
  const worker = await navigator.serviceWorker.getRegistration('./').catch(() => null);
  if (worker) await worker.unregister();
}

// Only the server can end the log-in. Without a line the page says so, keeps trying, and shows nothing else,
// now and whenever it is opened again.
export async function finishLogout({ flags, csrf }) {
  document.documentElement.classList.add('left');
  for (let failures = 1; ; failures += 1) {
    const answer = await request('logout', { method: 'POST', headers: { 'X-CSRF': csrf } }, 15000);
    if ([204, 401, 403].includes(answer.status)) break;
    showNotice('banner', say('page.logout_waits'));
    await new Promise((resolve) => {
      setTimeout(resolve, backoffMs(failures));
      window.addEventListener('online', resolve, { once: true });
    });
  }
  flags.lower('leaving');
  window.location.reload();
}

export async function logout(page) {
  page.flags.raise('leaving');
  await forget(page);
  page.flags.tell('logout');
  return finishLogout(page);
}

// Resolves to true if she confirms.
export function confirmed(text) {
  const dialog = document.getElementById('ask');
  if (!dialog.showModal) return Promise.resolve(window.confirm(text));
  document.getElementById('ask-text').textContent = text;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

document.getElementById('ask-yes').addEventListener('click', () => document.getElementById('ask').close('yes'));
document.getElementById('ask-no').addEventListener('click', () => document.getElementById('ask').close('no'));
