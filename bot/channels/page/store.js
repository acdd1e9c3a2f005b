// Keeps entries and meta on the phone: in IndexedDB, or in memory when the browser refuses it.
// update(change) is one transaction, safe with two tabs open; see history.js for what a change returns.

const asPromise = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

function openDatabase(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('entries', { keyPath: 'seq' });
    request.result.createObjectStore('meta');
  };
  return asPromise(request).then((db) => {
    db.onversionchange = () => db.close();
    return db;
  });
}

const finished = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = resolve;
  transaction.onabort = () => reject(transaction.error);
});

// What survives a battery pulled out right after "send" is worth the slower write.
function begin(db, mode) {
  try {
    return db.transaction(['entries', 'meta'], mode, { durability: 'strict' });
  } catch (error) {
    return db.transaction(['entries', 'meta'], mode);
  }
}

async function load(transaction) {
  const entries = await asPromise(transaction.objectStore('entries').getAll());
  const meta = await asPromise(transaction.objectStore('meta').get('meta'));
  return { entries, meta: meta || {} };
}

async function updateDatabase(db, change) {
  const transaction = begin(db, 'readwrite');
  const end = finished(transaction);
  end.catch(() => {}); // heard below, unless the body throws first
  try {
    const { entries, meta } = await load(transaction);
    const edit = change(entries, meta);
    const table = transaction.objectStore('entries');
    (edit.remove || []).forEach((seq) => table.delete(seq));
    (edit.put || []).forEach((entry) => table.put(entry));
    if (edit.meta) transaction.objectStore('meta').put({ ...meta, ...edit.meta }, 'meta');
  } catch (error) {
    try { transaction.abort(); } catch (done) { /* it ended by itself */ }
    throw error;
  }
  await end;
}

async function readDatabase(db) {
  const transaction = begin(db, 'readonly');
  return load(transaction);
}

async function eraseDatabase(db) {
  const transaction = begin(db, 'readwrite');
  transaction.objectStore('entries').clear();
  transaction.objectStore('meta').clear();
  await finished(transaction);
}

function inMemory(state) {
  const rows = new Map(state.entries.map((entry) => [entry.seq, entry]));
  let meta = state.meta;
  const entries = () => Array.from(rows.values()).sort((a, b) => a.seq - b.seq);
  return {
    read: async () => ({ entries: entries(), meta }),
    update: async (change) => {
      const edit = change(entries(), meta);
      (edit.remove || []).forEach((seq) => rows.delete(seq));
      (edit.put || []).forEach((entry) => rows.set(entry.seq, entry));
      meta = { ...meta, ...edit.meta };
    },
    erase: async () => { rows.clear(); meta = {}; },
  };
}

async function inDatabase(name) {
  const db = await openDatabase(name);
  return {
    read: () => readDatabase(db),
    update: (change) => updateDatabase(db, change),
    erase: () => eraseDatabase(db),
  };
}

// Never rejects: when the browser has no room or closes the database, it goes on in memory
// with what was last read and calls `onVolatile`, so that the page can say so.
export async function openStore(name, onVolatile) {
  let last = { entries: [], meta: {} };
  let place = null;
  const fallBack = () => { place = inMemory(last); store.durable = false; onVolatile(); };
  const attempt = async (act) => {
    try { return await act(place); } catch (error) { if (!store.durable) throw error; }
    // Android closes databases of pages in the background; opening it again usually helps.
    try { place = await inDatabase(name); return await act(place); } catch (error) { fallBack(); }
    return act(place);
  };
  const store = {
    durable: true,
    read: async () => { last = await attempt((now) => now.read()); return last; },
    update: (change) => attempt((now) => now.update(change)),
    erase: () => attempt((now) => now.erase()),
  };
  try { place = await inDatabase(name); } catch (error) { fallBack(); }
  return store;
}
