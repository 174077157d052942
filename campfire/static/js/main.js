// Joins the modules of the page. Each takes the elements it works on and the few others it talks
// to; nothing is looked up behind their backs.

import * as actions from "./actions.js";
import * as announcements from "./announcements.js";
import * as boosts from "./boosts.js";
import * as composers from "./composer.js";
import * as connection from "./connection.js";
import * as departures from "./departures.js";
import * as editing from "./edits.js";
import * as head from "./head.js";
import * as invitations from "./invitations.js";
import * as logs from "./log.js";
import { rename } from "./messages.js";
import * as outboxes from "./outbox.js";
import { room } from "./page.js";
import * as paging from "./pages.js";
import * as presence from "./presence.js";
import * as previews from "./previews.js";
import * as reading from "./reading.js";
import * as sidebar from "./sidebar.js";
import * as sockets from "./socket.js";
import * as typing from "./typing.js";
import * as uploading from "./uploads.js";

const find = (id) => document.getElementById(id);

if (room && location.hash.startsWith("#share=")) (await import("./shares.js")).take();

const socket = sockets.connect();
const listing = sidebar.connect(find("sidebar"), socket);

// What is asked for seldom comes when it is.
addEventListener("keydown", async (event) => {
  const isMeant = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  if (!isMeant || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  (await import("./jump.js")).open();
});
if (find("search")) import("./searches.js").then(({ connect }) => connect(find("search")));
if (find("inbox")) import("./inbox.js").then(({ connect }) => connect(find("inbox"), socket));

if (room) {
  const section = find("messages");
  if (room.target && new URLSearchParams(location.search).has("hit")) {
    import("./hits.js").then(({ connect }) => connect(section));
  }
  const log = logs.connect(socket);
  const pages = paging.connect(section, log, socket);
  const outbox = outboxes.connect(socket, log, pages);
  const uploads = uploading.connect(find("composer"), { log, pages, socket });
  const typists = typing.connect(find("typing"), socket);
  const edits = editing.connect(log, {
    remove: (article) => actions.remove(article, log),
    sounds: find("composer").dataset.sounds,
  });
  const composer = composers.connect(find("composer"), {
    outbox,
    uploads,
    typing: typists,
    edits,
    log,
  });
  const marks = reading.connect(section, log, pages, socket);
  const given = boosts.connect(section, log);
  actions.connect(section, log, { pages, edits, composer, boosts: given, reading: marks });
  previews.connect(section);
  connection.connect(find("connection"), socket);
  // Few rooms ever play a sound: what plays it comes with the first.
  section.addEventListener("submit", async (event) => {
    if (event.target.className !== "sound") return;
    event.preventDefault();
    (await import("./sounds.js")).toggle(event.target);
  });
  socket.addEventListener("message.posted", async ({ detail }) => {
    if (!socket.isLive || !detail.html.includes('class="sound"')) return;
    (await import("./sounds.js")).hear(detail.html, log);
  });
  section.addEventListener("click", async (event) => {
    const link = event.target.closest("a.picture");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    (await import("./lightbox.js")).open(link);
  });
  if (find("ring-template")) import("./rings.js").then(({ connect }) => connect(log, listing));
  presence.connect(find("present"), find("people-open"), socket);
  announcements.connect(find("announcements"), log);
  log.addEventListener("arrived", ({ detail }) => {
    for (const article of detail) typists.forget(Number(article.dataset.creatorId));
  });
  socket.addEventListener("user.changed", ({ detail: { user } }) => {
    for (const root of [log.element, find("message-template").content]) rename(root, user);
  });
  if (find("join-url")) invitations.connect(find("join-url"), find("join-copy"));

  head.connect(find("main").querySelector(".sheet-head"), socket, listing);
  departures.connect(find("main"), socket);
} else {
  outboxes.connect(socket);
  if (find("picker")) {
    const picker = await import("./picker.js");
    picker.connect(find("picker"), find("first-message"), find("close"));
  }
}

// None of this is needed before the room can be read.
addEventListener("load", async () => {
  try {
    const [installs, push] = await Promise.all([import("./installs.js"), import("./push.js")]);
    if (room) push.connectBell(find("level"));
    if (await installs.connect(socket)) await push.heal();
  } catch {
    // The line went down in between: the next page does it.
  }
});
