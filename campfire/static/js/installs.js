// Campfire as an app of the device: its service worker, the button that installs it, and what of
// the rooms is kept to be read without a line.

import { base, url } from "./page.js";

const ROOMS = `campfire${base}.rooms.`;

// Pages that are open while another release takes over are read anew when nobody looks.
function renew() {
  const isBusy = () => document.querySelector("#tray > *, #log textarea, dialog[open]");
  const look = () => {
    if (document.visibilityState === "hidden" && !isBusy()) location.reload();
  };
  document.addEventListener("visibilitychange", look);
  look();
}

// What was kept to be read without a line is somebody's own.
export async function forget(isForgotten = () => true) {
  if (!("caches" in window)) return;
  for (const name of await caches.keys()) {
    if (!name.startsWith(ROOMS)) continue;
    const cache = await caches.open(name);
    for (const page of await cache.keys()) if (isForgotten(page)) await cache.delete(page);
  }
}

export async function connect(socket) {
  const workers = navigator.serviceWorker;
  if (!workers) return null;
  const isFirst = !workers.controller;
  workers.addEventListener("controllerchange", () => isFirst || renew(), { once: true });
  workers.addEventListener("message", ({ data }) => data.go && location.assign(data.go));
  const registration = await workers
    .register(url("/service-worker.js"), { updateViaCache: "none" })
    .catch(() => null);
  if (!registration) return null; // Turned off in this browser.
  // A line that comes back may lead to another release.
  let wasDown = false;
  socket.addEventListener("line.down", () => {
    wasDown = true;
  });
  socket.addEventListener("line.up", () => wasDown && registration.update().catch(() => {}));
  for (const name of ["room.removed", "membership.revoked"]) {
    socket.addEventListener(name, ({ detail }) => {
      const gone = url(`/rooms/${detail.room_id}`);
      forget((page) => new URL(page.url).pathname === gone).catch(() => {});
    });
  }
  return registration;
}

// The browser offers itself; until then there is nothing to press.
export function connectButton(notice) {
  let offer = null;
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = event;
    notice.hidden = false;
  });
  addEventListener("appinstalled", () => {
    notice.hidden = true;
  });
  notice.querySelector("button").addEventListener("click", () => offer?.prompt());
}
