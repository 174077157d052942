// The service worker: shows what is pushed, leads a click to the window that is open already, and
// keeps the last rooms readable without a line. It keeps pages and files, never what a script asks
// for, and another release brings another worker, so nothing outlives its time.

const { base, digest, offline, files } = self.campfire;

// Of this Campfire alone: caches belong to everything that there is under one name.
const ALL_FILES = `campfire${base}.files.`;
const ALL_ROOMS = `campfire${base}.rooms.`;
const FILES = ALL_FILES + digest;
const ROOMS = ALL_ROOMS + digest;
const MOST_ROOMS = 8;
const ROOM = new RegExp(`^${base.replaceAll(".", "\\.")}/rooms/\\d+$`);

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(FILES);
    await cache.addAll([...files, offline]);
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const begin = async () => {
    // A page that is open still asks for files of its own time, which the server has no more.
    const keys = await caches.keys();
    const old = keys.filter((key) => key.startsWith(ALL_FILES) && key !== FILES).slice(0, -1);
    old.push(...keys.filter((key) => key.startsWith(ALL_ROOMS) && key !== ROOMS));
    for (const key of old) await caches.delete(key);
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
  };
  event.waitUntil(begin());
});

// Pages and files

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith(`${base}/static/`)) event.respondWith(file(request));
  else if (request.mode === "navigate") event.respondWith(page(event, url));
});

async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function page(event, url) {
  // Whoever is led to the door has nothing to read here any more.
  if (url.pathname === `${base}/session/new`) await forgetRooms();
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(event.request));
    if (ROOM.test(url.pathname) && !url.search) event.waitUntil(keep(url, answer.clone()));
    return answer;
  } catch {
    return (await known(url)) ?? (await caches.match(offline)) ?? Response.error();
  }
}

async function keep(url, answer) {
  const rooms = await caches.open(ROOMS);
  await rooms.delete(url.pathname);
  const isPage = answer.headers.get("Content-Type")?.startsWith("text/html");
  if (answer.status !== 200 || answer.redirected || !isPage) return;
  await rooms.put(url.pathname, answer);
  const kept = await rooms.keys();
  for (const former of kept.slice(0, -MOST_ROOMS)) await rooms.delete(former);
}

// The room as it was read last; at the front door, the one that was open last.
async function known(url) {
  const rooms = await caches.open(ROOMS);
  if (url.pathname !== `${base}/`) return rooms.match(url.pathname);
  const last = (await rooms.keys()).at(-1);
  return last && Response.redirect(last.url, 302);
}

async function forgetRooms() {
  for (const key of await caches.keys()) if (key.startsWith(ALL_ROOMS)) await caches.delete(key);
}

// Notifications

self.addEventListener("push", (event) => {
  event.waitUntil(ring(told(event.data)));
});

function told(data) {
  try {
    return data.json();
  } catch {
    const path = `${base}/`;
    return { title: "Campfire", body: "Something was said.", path, badge: 1, tag: "campfire" };
  }
}

// One for each room, the newest. Something is shown every time: Safari ends what pushes in silence.
async function ring(news) {
  const [shown] = await self.registration.getNotifications({ tag: news.tag });
  const isOld = shown && shown.data.id > news.id;
  const { id, title, body, path, tag } = isOld ? { ...shown.data, tag: news.tag } : news;
  await self.registration.showNotification(title, {
    body,
    tag,
    renotify: !isOld,
    icon: `${base}/account/logo?size=small`,
    data: { id, title, body, path },
  });
  const drawn = news.badge
    ? self.navigator.setAppBadge?.(news.badge)
    : self.navigator.clearAppBadge?.();
  await drawn?.catch(() => {});
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(lead(event.notification.data?.path ?? `${base}/`));
});

// Any window of ours will do, best the one that is there already; only paths of ours are opened.
async function lead(path) {
  const { origin } = self.location;
  const isOurs = ({ href }) => href.startsWith(`${origin}${base}/`);
  const wanted = new URL(path, origin);
  const url = isOurs(wanted) ? wanted : new URL(`${base}/`, origin);
  const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const windows = open.filter((each) => isOurs(new URL(each.url)));
  const there = windows.find((each) => new URL(each.url).pathname === url.pathname);
  const window = there ?? windows.find((each) => each.focused) ?? windows[0];
  if (!window) return self.clients.openWindow(url.href);
  const focused = await window.focus().catch(() => window);
  // A window that this worker does not hold cannot be led, but it can be told.
  if (!there) await focused.navigate(url.href).catch(() => focused.postMessage({ go: url.href }));
}

// A browser that changes the address of this device says so here, or on the next page.
self.addEventListener("pushsubscriptionchange", (event) => {
  const renew = async () => {
    const options = event.oldSubscription?.options;
    if (!options) return;
    const subscription = await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: options.applicationServerKey,
    });
    await fetch(`${base}/users/me/push_subscriptions`, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify(subscription),
    });
  };
  event.waitUntil(renew());
});
