// Lets the page open without a line: keeps its own few files, and pictures already seen. Never touches messages.

const scope = new URL(self.registration.scope).pathname;
const SHELL = 'lantoa-shell:' + scope;
const PICTURES = 'lantoa-pictures:' + scope;
const PATIENCE_MS = 3000;
const MOST_PICTURES = 30;
const FILES = ['./', 'assets/chat.css', 'assets/icon.svg'].concat(
  ['chat', 'composer', 'history', 'leaving', 'line', 'outbox', 'photos', 'store', 'view', 'wording'].map((one) => 'assets/' + one + '.js'));

// After a page came from the cache for want of a line, its files come from there too, without waiting again;
// so they also belong to the same version.
let impatientUntil = 0;

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

const late = (ms) => new Promise((resolve) => setTimeout(resolve, ms, null));

async function refresh(request, key) {
  const answer = await fetch(request);
  if (answer.status === 200 && !answer.redirected) {
    const cache = await caches.open(SHELL);
    await cache.put(key, answer.clone());
  }
  return answer;
}

// The network first, so that a new version is seen; after three seconds what we have.
async function shell(event, key, isPage) {
  const cached = await caches.match(key, { cacheName: SHELL });
  if (!isPage && cached && Date.now() < impatientUntil) return cached;
  const fresh = refresh(event.request, key);
  event.waitUntil(fresh.catch(() => {}));
  if (!cached) return fresh;
  const answer = await Promise.race([fresh.catch(() => null), late(PATIENCE_MS)]);
  if (answer && answer.status < 500) return answer;
  impatientUntil = Date.now() + 30000;
  return cached;
}

async function picture(request) {
  const cache = await caches.open(PICTURES);
  const cached = await cache.match(request);
  if (cached) return cached;
  const answer = await fetch(request);
  if (answer.status === 200) {
    await cache.put(request, answer.clone());
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_PICTURES)).map((key) => cache.delete(key)));
  }
  return answer;
}

self.addEventListener('fetch', (event) => {
  const request = event.request;
  const address = new URL(request.url);
  if (request.method !== 'GET' || address.origin !== self.location.origin || !address.pathname.startsWith(scope)) return;
  const path = address.pathname.slice(scope.length);
  if (path.startsWith('pictures/')) event.respondWith(picture(request));
  else if (path === '' && address.search === '?fresh') event.respondWith(refresh(request, './'));
  else if (path === '' && !address.search) event.respondWith(shell(event, './', true));
  else if (FILES.includes(path)) event.respondWith(shell(event, path, false));
});
