// Sends what is unsent: in order, one at a time, each until the server has said yes or no.
// Sending twice is safe, because the server knows a message by its id; the lock only spares the line.

import { accepted, nextUnsent, refused } from './history.js';
import { backoffMs, request } from './line.js';
import { say } from './wording.js';

const FINAL = [400, 413, 415];

function body(entry) {
  const message = JSON.stringify({
    id: entry.id, text: entry.text, choice: entry.choice, label: entry.label, sent_at: entry.at,
  });
  if (!entry.photos.length) return message;
  const form = new FormData();
  form.append('message', message);
  entry.photos.forEach((photo, index) => form.append('photo', photo.blob, 'photo-' + (index + 1) + extension(photo.blob)));
  return form;
}

const extension = (blob) => ({ 'image/png': '.png', 'image/webp': '.webp' }[blob.type] || '.jpg');

// Half a minute, and for photos the time they need at 4 kB a second.
function deadlineMs(entry) {
  return 30000 + entry.photos.reduce((sum, photo) => sum + photo.blob.size, 0) / 4;
}

function post(entry, csrf) {
  const headers = { 'X-CSRF': csrf };
  if (!entry.photos.length) headers['Content-Type'] = 'application/json';
  return request('messages', { method: 'POST', headers, body: body(entry) }, deadlineMs(entry));
}

// A tab that was frozen in the background may hold the lock for ever: after the wait we go on without it.
async function alone(name, waitMs, work) {
  if (!navigator.locks) return work();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), waitMs);
  let began = false;
  const begin = () => { began = true; clearTimeout(timer); return work(); };
  try {
    return await navigator.locks.request(name, { signal: stop.signal }, begin);
  } catch (error) {
    if (began) throw error;
    return work();
  }
}

export function makeOutbox({ store, csrf, name, changed, report, unknown }) {
  let running = false;
  let again = false;
  let failures = 0;
  let timer = 0;
  let notBefore = 0;
  const outbox = { sending: null, push };

  const head = async () => nextUnsent((await store.read()).entries);

  async function later(answer) {
    failures += 1;
    notBefore = Date.now() + answer.retryAfterMs;
    timer = setTimeout(push, Math.max(backoffMs(failures), answer.retryAfterMs));
    report(answer.status === 0 ? 'down' : 'busy');
    return false;
  }

  async function settle(entry, answer) {
    if (answer.status === 200 && answer.body.accepted === true) await store.update(accepted(entry.id));
    else if (FINAL.includes(answer.status)) {
      const error = answer.body && typeof answer.body.error === 'string' ? answer.body.error : say('page.refused');
      await store.update(refused(entry.id, error));
    } else {
      if (answer.status === 401 || answer.status === 403) unknown();
      return later(answer);
    }
    failures = 0;
    report('up');
    return true;
  }

  // True when there may be more to send.
  async function sendNext() {
    const first = await head();
    if (!first) return false;
    return alone(name, deadlineMs(first), async () => {
      const entry = await head(); // another tab may have sent it while we waited
      if (!entry) return false;
      outbox.sending = entry.id;
      changed();
      return settle(entry, await post(entry, csrf));
    });
  }

  // `insist`: she pressed the button, so even a server that asked us to wait is tried.
  async function push(insist) {
    if (running) { again = true; return; }
    if (insist !== true && Date.now() < notBefore) return;
    running = true;
    clearTimeout(timer);
    try {
      do {
        again = false;
        while (await sendNext()) { outbox.sending = null; changed(); }
      } while (again && Date.now() >= notBefore);
    } finally {
      running = false;
      outbox.sending = null;
      changed();
    }
  }

  return outbox;
}
