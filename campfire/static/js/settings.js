// Joins the modules of the pages that are not rooms.

import * as autosaves from "./autosaves.js";
import * as commands from "./commands.js";
import * as confirmations from "./confirmations.js";
import * as departures from "./departures.js";
import * as dots from "./dots.js";
import * as filters from "./filters.js";
import * as links from "./links.js";
import * as pictures from "./pictures.js";
import * as sessions from "./sessions.js";
import * as sockets from "./socket.js";
import { localizeMoments } from "./times.js";

const about = document.querySelector("[data-about-room]");
const all = (selector) => document.querySelectorAll(selector);

// The line says that this person is here, and ends this page when the sign-in ends.
const socket = sockets.connect();
dots.connect(socket);
if (about) departures.close(about, socket);

for (const form of all("form[data-autosave]")) autosaves.connect(form);
for (const form of all("form[data-picture]")) pictures.connect(form);
for (const field of all("[data-filters]")) filters.connect(field);
for (const field of all("[data-expected]")) confirmations.connect(field);
for (const block of all(".command")) commands.connect(block);
for (const block of all(".invite")) links.connect(block);

const signOut = document.getElementById("sign-out");
if (signOut) sessions.connect(signOut);

for (const field of all("[data-sends]")) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) field.form.requestSubmit();
  });
}

// One question is open at a time, and Escape takes it back.
for (const details of all("details.sure")) {
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    for (const other of all("details.sure[open]")) if (other !== details) other.open = false;
    details.querySelector("input, form button")?.focus();
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}

localizeMoments(document);

// The browser knows where one is.
for (const field of all("[data-time-zone]")) {
  if (!field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

addEventListener("load", async () => {
  try {
    const [installs, push] = await Promise.all([import("./installs.js"), import("./push.js")]);
    const devices = document.getElementById("push-devices");
    if (devices) {
      push.connectDevices(devices);
      installs.connectButton(document.getElementById("install"));
    }
    if (await installs.connect(socket)) await push.heal();
  } catch {
    // The line went down in between: the next page does it.
  }
});
