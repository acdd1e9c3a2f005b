// What the phone remembers, as plain values. Each function here describes one change and does no I/O:
// it returns (entries, meta) => {put: [entry], remove: [seq], meta}, which a store applies in one transaction.
//
// An entry from the bot: {seq, key, from: 'bot', id, text, parts, choices, picture, file, at}
// An entry of hers: {seq, key, from: 'me', id, text, choice, label, answers, photos, at, state, error, held, hidden}
//   state   'unsent' | 'sent' | 'refused'
//   answers the seq of the bot's entry whose button she pressed, or null
//   photos  [{blob, thumb, width, height}]; blob is dropped once the message is settled
//   held    written under an earlier log-in: goes out only when she says so
//   hidden  written before a quick exit: still goes out, but its words are not shown again
//
// meta: {visitor, after}

const KEPT = 200;

const lastSeq = (entries) => (entries.length ? entries[entries.length - 1].seq : 0);
const isUnsent = (entry) => entry.from === 'me' && entry.state === 'unsent';

export function written(message) {
  return (entries) => ({ put: [{ ...message, seq: lastSeq(entries) + 1 }] });
}

// A restored server may count from an earlier number again: then the ids it reuses are new messages.
// A second tab that asked with the same number finds meta.after changed and leaves it.
function rewound(entries, meta, asked, after) {
  if (after >= asked || meta.after !== asked) return null;
  return entries
    .filter((entry) => entry.from === 'bot' && entry.id > after)
    .map((entry) => ({ ...entry, key: 'gone-' + entry.seq }));
}

export function received(messages, asked, after) {
  return (entries, meta) => {
    const renamed = rewound(entries, meta, asked, after);
    const released = new Set((renamed || []).map((entry) => 'b' + entry.id));
    const known = new Set(entries.map((entry) => entry.key).filter((key) => !released.has(key)));
    const put = renamed || [];
    let seq = lastSeq(entries);
    messages.forEach((message) => {
      const key = 'b' + message.id;
      if (known.has(key)) return;
      known.add(key);
      seq += 1;
      put.push({ ...message, seq, key, from: 'bot' });
    });
    const fresh = put.length - (renamed || []).length;
    return { put, remove: tooOld(entries, fresh), meta: { after: renamed ? after : Math.max(meta.after || 0, after) } };
  };
}

function tooOld(entries, fresh) {
  const settled = entries.filter((entry) => !isUnsent(entry));
  return settled.slice(0, Math.max(0, settled.length + fresh - KEPT)).map((entry) => entry.seq);
}

function changed(id, change) {
  return (entries) => ({
    put: entries.filter((entry) => entry.from === 'me' && entry.id === id).map((entry) => ({ ...entry, ...change(entry) })),
  });
}

const withoutBlobs = (entry) => entry.photos.map((photo) => ({ ...photo, blob: null }));

export const accepted = (id) => changed(id, (entry) => ({ state: 'sent', photos: withoutBlobs(entry) }));
export const refused = (id, error) => changed(id, (entry) => ({ state: 'refused', error, photos: withoutBlobs(entry) }));
export const released = (id) => changed(id, () => ({ held: false }));

export function dropped(id) {
  return (entries) => ({ remove: entries.filter((entry) => entry.id === id && entry.held).map((entry) => entry.seq) });
}

// Quick exit: nothing readable stays. `after` is kept, so that the old messages are not fetched again.
export function concealed() {
  return (entries) => ({
    remove: entries.filter((entry) => !isUnsent(entry)).map((entry) => entry.seq),
    put: entries.filter(isUnsent).map((entry) => ({ ...entry, hidden: true })),
  });
}

// Another visitor than last time: what was read belongs to somebody else, what is unsent waits for a decision.
export function openedBy(visitor) {
  return (entries, meta) => {
    if (meta.visitor === visitor) return {};
    return {
      remove: entries.filter((entry) => !isUnsent(entry)).map((entry) => entry.seq),
      put: entries.filter(isUnsent).map((entry) => ({ ...entry, held: true })),
      meta: { visitor, after: 0 },
    };
  };
}

export function nextUnsent(entries) {
  return entries.find((entry) => isUnsent(entry) && !entry.held) || null;
}

export function countUnsent(entries) {
  return entries.filter(isUnsent).length;
}

// Buttons up to this seq are closed: a button answers its own message and all before, a written line answers all.
export function answeredUpTo(entries) {
  return entries.reduce((highest, entry) => {
    if (entry.from !== 'me' || entry.state === 'refused' || entry.held) return highest;
    return Math.max(highest, entry.answers || entry.seq);
  }, 0);
}
