// The line to the server: one request with a deadline, and the long poll that catches up by itself.

const POLL_S = 25;
const GRACE_MS = 12000;

// Resolves to {status, body, retryAfterMs}; status 0 is "no usable answer", whatever the cause.
// A log-in page of a café's network answers 200 with its own HTML, so an answer that is not JSON counts as none.
export async function request(address, options, timeoutMs, stop) {
  const control = stop || new AbortController();
  const timer = setTimeout(() => control.abort(), timeoutMs);
  const settings = { credentials: 'same-origin', cache: 'no-store', redirect: 'error', signal: control.signal };
  try {
    const answer = await fetch(address, { ...settings, ...options });
    const retryAfterMs = readRetryAfter(answer.headers.get('Retry-After'));
    const body = answer.status === 204 ? null : await answer.json().catch(() => null);
    const unreadable = answer.status === 200 && (body === null || typeof body !== 'object');
    return { status: unreadable ? 0 : answer.status, body, retryAfterMs };
  } catch (error) {
    return { status: 0, body: null, retryAfterMs: 0 };
  } finally {
    clearTimeout(timer);
  }
}

function readRetryAfter(value) {
  if (!value) return 0;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return seconds > 0 ? Math.min(seconds, 3600) * 1000 : 0;
}

// 1, 2, 4 … 30 seconds, a fifth more or less so that a whole village does not call at once.
export function backoffMs(failures) {
  return Math.min(30, Math.pow(2, failures - 1)) * 1000 * (0.8 + 0.4 * Math.random());
}

const isMessage = (message) => message && Number.isInteger(message.id) && message.id >= 0;

function readBatch(answer) {
  const body = answer.body;
  if (answer.status !== 200 || !Array.isArray(body.messages) || !Number.isInteger(body.after)) return null;
  return { messages: body.messages.filter(isMessage), after: body.after };
}

// Calls `deliver({messages, after}, asked)` for every batch, `report('up' | 'down' | 'busy')` when the line changes
// and `unknown()` when the server does not know the visitor. Nothing is asked while the page is out of sight.
export function listen({ readAfter, deliver, report, unknown }) {
  let failures = 0;
  let stop = null;
  let wakeUp = null;
  let woken = false;

  const wake = () => {
    woken = true;
    if (wakeUp) wakeUp();
    if (stop) stop.abort();
  };

  // The first question after silence does not wait, so that the page soon knows whether the line is up.
  const ask = async (after) => {
    const wait = failures || woken || !stop ? 0 : POLL_S;
    woken = false;
    stop = new AbortController();
    return request('messages?after=' + after + '&wait=' + wait, {}, wait * 1000 + GRACE_MS, stop);
  };

  const pause = (ms) => new Promise((resolve) => {
    const timer = ms === null ? 0 : setTimeout(resolve, ms);
    wakeUp = () => { clearTimeout(timer); resolve(); };
    if (woken) resolve();
  });

  const settle = async (answer, asked) => {
    const batch = readBatch(answer);
    if (batch) {
      failures = 0;
      report('up');
      return deliver(batch, asked);
    }
    if (woken) return undefined; // we ended it ourselves
    if (answer.status === 401) unknown();
    failures += 1;
    report(answer.status === 0 ? 'down' : 'busy');
    return pause(Math.max(backoffMs(failures), answer.retryAfterMs));
  };

  const run = async () => {
    for (;;) {
      if (document.hidden) { woken = false; await pause(null); continue; }
      const asked = await readAfter();
      await settle(await ask(asked), asked);
    }
  };

  window.addEventListener('online', wake);
  // A phone that slept has a dead connection which looks alive.
  document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(); });
  window.addEventListener('offline', () => report('down'));
  run();
  return { wake };
}
