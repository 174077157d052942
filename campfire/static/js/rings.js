// When a direct message rings for somebody who has quiet hours: asked once it is in the room.

import { quietUntil } from "./dots.js";
import { flash } from "./flash.js";
import { idOf } from "./messages.js";
import { copyOf, room, roomUrl, stored } from "./page.js";
import { timeOfDay } from "./times.js";

// What was asked about last, and until when somebody chose to wait: nobody is asked twice.
const asked = `${stored("asked")}${room.id}`;
const waits = `${stored("waits")}${room.id}`;
const numberAt = (key) => Number(sessionStorage.getItem(key));

async function ask(until) {
  const dialog = copyOf("ring-template");
  const morning = timeOfDay(until);
  dialog.querySelector("h2").textContent = `${room.name} is off until ${morning}`;
  dialog.querySelector(".is-primary span").textContent = `Ring at ${morning}`;
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => {
    dialog.addEventListener("close", resolve, { once: true });
  });
  dialog.remove();
  return dialog.returnValue;
}

async function ring(messageId) {
  try {
    const path = roomUrl(`/messages/${messageId}/ring`);
    const answer = await fetch(path, { method: "POST", headers: { Accept: "application/json" } });
    const said = answer.ok ? {} : await answer.json().catch(() => ({}));
    flash(answer.ok ? "It rings now." : (said.detail ?? "This did not work."), {
      isAlert: !answer.ok,
    });
  } catch {
    flash("The line is down. It rings in the morning.", { isAlert: true });
  }
}

export function connect(log, listing) {
  let isAsking = false;
  const consider = async (messageId) => {
    const other = listing.linkTo(room.id)?.querySelector("[data-may-ring]");
    const until = other && !other.classList.contains("is-here") ? quietUntil(other) : 0;
    if (!until || isAsking || numberAt(waits) >= until || numberAt(asked) >= messageId) return;
    isAsking = true;
    sessionStorage.setItem(asked, messageId);
    const answer = await ask(until);
    isAsking = false;
    if (answer === "now") await ring(messageId);
    else sessionStorage.setItem(waits, until);
  };
  log.addEventListener("stored", ({ detail }) => consider(detail));
  // The first message to somebody was sent by the page before this one.
  if (!document.referrer.includes("/rooms/new")) return;
  const first = log.lastOwn();
  if (first) listing.addEventListener("placed", () => consider(idOf(first)), { once: true });
}
