// Puts the page together: opens what the phone remembers, sends what is unsent, listens for what is new.

import { boxIsEmpty, closeComposer, hasPhotos, startComposer, writeInBox } from './composer.js';
import { countUnsent, dropped, openedBy, received, released, written } from './history.js';
import { conceal, confirmed, finishLogout, logout, makeFlags, onEscapeTwice, quickExit } from './leaving.js';
import { listen } from './line.js';
import { makeOutbox } from './outbox.js';
import { openStore } from './store.js';
import { draw, fetchMissingPictures, showNotice } from './view.js';
import { fillWording, say } from './wording.js';

const RELOAD_PAUSE_MS = 60000;

const folder = new URL('./', window.location.href).pathname;
const name = 'lantoa' + folder; // each persona has its own folder, so its own memory
const csrf = document.querySelector('meta[name=csrf]').content;
// Whose memory this is: a visitor's token lives as long as her log-in; a persona is her folder.
const visitor = document.getElementById('persona').dataset.name ? folder : csrf;
const flags = makeFlags(name);
const page = { store: null, flags, folder, csrf };

let outbox = null;
let ear = null;

// ---- words and values

const pad = (number) => String(number).padStart(2, '0');

// Now, with the phone's own offset: "2026-11-23T19:00:00+07:00".
function localTime() {
  const now = new Date();
  const offset = -now.getTimezoneOffset();
  const local = new Date(now.getTime() + offset * 60000).toISOString().slice(0, 19);
  return local + (offset < 0 ? '-' : '+') + pad(Math.floor(Math.abs(offset) / 60)) + ':' + pad(Math.abs(offset) % 60);
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ---- drawing: one drawing at a time, the last state wins

let drawing = false;
let drawAgain = false;

async function redraw() {
  if (drawing) { drawAgain = true; return; }
  drawing = true;
  try {
    do {
      drawAgain = false;
      draw((await page.store.read()).entries, outbox && outbox.sending, actions);
    } while (drawAgain);
  } finally {
    drawing = false;
  }
}

let writing = Promise.resolve(); // ends when all that was asked for is written
let closing = false;

async function change(edit) {
  const done = page.store.update(edit);
  writing = Promise.all([writing, done]);
  await done;
  flags.tell('changed');
  redraw();
}

function report(line) {
  if (line === 'up') fetchMissingPictures();
  showNotice('banner', line === 'up' ? '' : say(line === 'busy' ? 'page.busy' : 'page.offline'));
}

// The server does not know this page's visitor any more; a fresh page does. Not in a circle, though,
// and not before it is there: a reload on a bad line would end in the browser's own error page.
async function unknown() {
  if (closing || hasPhotos() || Date.now() - reloadedAt() < RELOAD_PAUSE_MS) return;
  const fresh = await fetch('./?fresh', { cache: 'no-store' }).catch(() => null);
  if (!fresh || !fresh.ok || hasPhotos()) return;
  try { sessionStorage.setItem(name + 'reloaded', String(Date.now())); } catch (error) { return; }
  closing = true;
  closeComposer();
  await writing;
  window.location.reload();
}

function reloadedAt() {
  try { return Number(sessionStorage.getItem(name + 'reloaded') || 0); } catch (error) { return Date.now(); }
}

// ---- what she does

async function send({ text, choice, label, answers, photos }) {
  if (closing) return;
  const id = newId();
  await change(written({
    key: 'm' + id, from: 'me', id, text: text || null, choice: choice === undefined ? null : choice, label: label || null,
    answers: answers || null, photos: photos || [], at: localTime(), state: 'unsent', error: null, held: false, hidden: false,
  }));
  outbox.push();
}

const actions = {
  choose: (entry, choice) => send({ choice: choice.value, label: choice.label, answers: entry.seq }),
  retry: () => { outbox.push(true); ear.wake(); },
  release: async (entry) => { await change(released(entry.id)); outbox.push(); },
  drop: (entry) => change(dropped(entry.id)),
  rewrite: (entry) => { if (boxIsEmpty()) writeInBox(entry.text); },
};

async function askLogout() {
  const unsent = countUnsent((await page.store.read()).entries);
  const question = unsent ? say('page.logout_unsent', { count: unsent }) : say('page.logout_confirm');
  if (await confirmed(question)) logout(page);
}

// ---- other tabs of the same visitor

function told(what) {
  if (what === 'exit') quickExit({ ...page, told: true });
  else if (what === 'logout') window.location.reload();
  else redraw();
}

// ---- start

function lastSent(entries) {
  const mine = entries.filter((entry) => entry.from === 'me');
  return mine.length ? mine[mine.length - 1].text : null;
}

async function openMemory() {
  page.store = await openStore(name, () => showNotice('warning', say('page.volatile')));
  if (flags.isUp('conceal')) {
    await conceal(page.store, folder);
    flags.lower('conceal');
  }
  await page.store.update(openedBy(visitor));
}

function startLine() {
  outbox = makeOutbox({ store: page.store, csrf, name, changed: () => { flags.tell('changed'); redraw(); }, report, unknown });
  ear = listen({
    readAfter: async () => (await page.store.read()).meta.after || 0,
    deliver: (batch, asked) => deliver(batch, asked),
    report,
    unknown,
  });
  const push = () => outbox.push();
  window.addEventListener('online', push);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) push(); });
  push();
}

async function deliver(batch, asked) {
  const now = (await page.store.read()).meta.after || 0;
  if (batch.messages.length || batch.after !== now) await change(received(batch.messages, asked, batch.after));
  outbox.push(); // the line is up: no need to wait for the back-off
}

function warnBeforeLosing(event) {
  if (page.store.durable || !document.querySelector('.me[data-state=unsent]')) return;
  event.preventDefault();
  event.returnValue = '';
}

function startWorker() {
  if (!navigator.serviceWorker) return;
  const register = () => navigator.serviceWorker.register('./sw.js', { scope: './' }).catch(() => {});
  if (document.readyState === 'complete') register();
  else window.addEventListener('load', register); // not before the page itself has come through a thin line
}

function showPersona() {
  const line = document.getElementById('persona');
  line.hidden = !line.dataset.name;
  if (line.dataset.name) line.textContent = say('page.persona', { name: line.dataset.name });
}

// An invitation comes as a link ending in #ma=CODE: not sent to any server before she is on the page.
function takeInvitation() {
  const found = /^#ma=([\w-]+)$/.exec(window.location.hash);
  if (!found) return;
  window.history.replaceState(null, '', './');
  send({ text: `/start ${found[1]}` });
}

async function start() {
  fillWording(document);
  showPersona();
  const leave = () => quickExit(page);
  document.getElementById('exit').addEventListener('click', leave);
  onEscapeTwice(leave);
  if (flags.isUp('leaving')) return finishLogout(page);
  if (!navigator.onLine) report('down');
  await openMemory();
  await redraw();
  document.getElementById('log').setAttribute('aria-busy', 'false');
  startComposer(name, send, lastSent((await page.store.read()).entries));
  startLine();
  takeInvitation();
  flags.onTold(told);
  document.getElementById('logout').addEventListener('click', askLogout);
  document.getElementById('start').addEventListener('click', () => send({ text: say('page.start') }));
  window.addEventListener('beforeunload', warnBeforeLosing);
  return startWorker();
}

start();
