// Notifications on this device: asking for them once, keeping the address that the push service
// gave this browser known to the server, and giving it up.

import { flash } from "./flash.js";
import { element, icon, stored, toSignIn, url } from "./page.js";

const KEPT_AT = url("/users/me/push_subscriptions");
const isApp = matchMedia("(display-mode: standalone)").matches;
const ASKED = stored(isApp ? "asked-app" : "asked");
const OFF = stored("push-off");
const TOLD = stored("push-told");
const JSON_HEADERS = { Accept: "application/json", "Content-Type": "application/json" };

const isAble = "PushManager" in window && "Notification" in window && "serviceWorker" in navigator;

const permission = () => (isAble ? Notification.permission : "denied");

function remembered(key, storage = localStorage) {
  try {
    return storage.getItem(key);
  } catch {
    return null; // Without storage it is asked again.
  }
}

function remember(key, value, storage = localStorage) {
  try {
    if (value) storage.setItem(key, value);
    else storage.removeItem(key);
  } catch {
    // As above.
  }
}

function octets(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function isMadeWith(subscription, key) {
  const made = subscription.options.applicationServerKey;
  return made && String(new Uint8Array(made)) === String(key);
}

// Subscribes if need be, and tells the server. Says whether this device can ring now.
async function subscribe() {
  const { pushManager } = await navigator.serviceWorker.ready;
  const key = octets(document.body.dataset.pushKey);
  let subscription = await pushManager.getSubscription();
  if (subscription && !isMadeWith(subscription, key)) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key,
  });
  const answer = await fetch(KEPT_AT, {
    method: "POST",
    headers: JSON_HEADERS,
    body: JSON.stringify(subscription),
  });
  if (answer.status === 401) toSignIn();
  if (answer.status === 422) await subscription.unsubscribe();
  if (answer.ok) remember(TOLD, subscription.endpoint, sessionStorage);
  return answer.ok;
}

// Asks, once somebody pressed something. Says what came of it.
export async function enable() {
  remember(ASKED, "yes");
  if (!isAble || (await Notification.requestPermission()) !== "granted") {
    flash("This browser keeps notifications off", { isAlert: true });
    return false;
  }
  remember(OFF, "");
  try {
    if (await subscribe()) {
      flash("Notifications ring on this device");
      return true;
    }
  } catch {
    // The browser's own push service: blocked, or not there.
  }
  flash("The browser got no address for notifications. Try again later", { isAlert: true });
  return false;
}

// Whatever was lost on the way (an address that expired, a row, a key) is mended by opening a page.
export async function heal() {
  if (permission() !== "granted" || remembered(OFF)) return;
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  const told = remembered(TOLD, sessionStorage);
  const key = octets(document.body.dataset.pushKey);
  if (subscription && subscription.endpoint === told && isMadeWith(subscription, key)) return;
  // A push service that is not there now is asked by the next page.
  await subscribe().catch(() => false);
}

// Gives the address up; answers with what it was.
export async function leave() {
  if (!isAble) return "";
  const registration = await navigator.serviceWorker.getRegistration(url("/"));
  const subscription = await registration?.pushManager.getSubscription();
  remember(TOLD, "", sessionStorage);
  await subscription?.unsubscribe();
  return subscription?.endpoint ?? "";
}

// The bell of a room calls until it was pressed once; afterwards its menu says how things are.
export function connectBell(details) {
  const summary = details.querySelector("summary");
  const menu = details.querySelector("[role=menu]");
  const words = summary.ariaLabel;

  const line = (sign, title, about, name, attributes) => {
    const small = element("small", {}, about);
    const what = element("span", {}, title, small);
    return element(
      name,
      { class: "menu-item", role: "menuitem", id: "ring-here", ...attributes },
      icon(sign),
      what,
    );
  };
  const draw = () => {
    document.getElementById("ring-here")?.remove();
    const isCalling = permission() === "default" && !remembered(ASKED);
    summary.classList.toggle("is-calling", isCalling);
    if (isCalling) {
      summary.ariaLabel = "Turn on notifications in this browser";
      summary.title = summary.ariaLabel;
    } else if (permission() === "default" || remembered(OFF)) {
      const button = line("phone", "Ring on this device", "now it stays silent", "button", {
        type: "button",
      });
      button.addEventListener("click", async () => {
        await enable();
        draw();
      });
      menu.append(button);
    } else if (permission() === "denied") {
      const href = url("/users/me#devices");
      menu.append(line("alert", "Off in this browser", "how to turn them on", "a", { href }));
    }
  };

  summary.addEventListener("click", async (event) => {
    if (!summary.matches(".is-calling")) return;
    event.preventDefault();
    summary.ariaLabel = words;
    summary.title = words;
    await enable();
    draw();
    details.open = true;
  });
  draw();
}

// One's own page: turning notifications on and off here, and a test that shows what came of it.
export function connectDevices(section) {
  const here = section.querySelector("#ring-here");
  const help = section.querySelector("#ring-help");
  if (here) {
    here.hidden = permission() === "denied";
    here.addEventListener("click", async () => {
      if (await enable()) location.reload();
    });
  }
  if (help) help.hidden = permission() !== "denied";

  for (const form of section.querySelectorAll("form[data-silences]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      remember(OFF, "yes");
      await leave().catch(() => "");
      form.submit();
    });
  }
  for (const form of section.querySelectorAll("form[data-tests]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await tested(form);
    });
  }
}

const LOOKED_EVERY = 1_000;
const LOOKED_FOR = 10;

async function lastOf(id) {
  const answer = await fetch(KEPT_AT, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).find((each) => each.id === id)?.last_delivery;
}

async function tested(form) {
  const id = Number(form.dataset.tests);
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const before = await lastOf(id);
    const answer = await fetch(form.action, { method: "POST", headers: JSON_HEADERS });
    if (answer.status === 401) return toSignIn();
    if (!answer.ok) return flash("Not sent. Wait a little", { isAlert: true });
    flash("Sent. It rings in a moment");
    for (let looked = 0; looked < LOOKED_FOR; looked++) {
      await new Promise((resolve) => setTimeout(resolve, LOOKED_EVERY));
      const last = await lastOf(id);
      if (last?.at !== before?.at) return location.reload();
    }
    flash("Nothing answered yet", { isAlert: true });
  } catch {
    flash("The line is down.", { isAlert: true });
  } finally {
    button.disabled = false;
  }
}
