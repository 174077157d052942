// The list of rooms: unread counts, who is here, the number on the app's icon.

import * as dots from "./dots.js";
import * as drafts from "./drafts.js";
import { connect as connectDrawer } from "./drawer.js";
import { connect as connectFinder } from "./finder.js";
import { flash } from "./flash.js";
import { Listing } from "./listing.js";
import { room, toSignIn, touch, viewer } from "./page.js";
import { connect as connectSections } from "./sections.js";
import * as title from "./title.js";

const SOMETIME = 1_500;
const READ_WITHIN = 1_000;

export function connect(sidebar, socket) {
  const list = sidebar.querySelector("#room-list");
  const opener = document.querySelector(".drawer-open");
  const readAll = sidebar.querySelector("#read-all");
  const inbox = sidebar.querySelector("#inbox-open");
  const listing = new Listing(list);
  const told = new Map();
  let held = 0;

  const total = () => {
    let messages = 0;
    let rooms = 0;
    for (const { dataset } of list.querySelectorAll("[data-unread]")) {
      messages += Number(dataset.unread);
      if (Number(dataset.unread)) rooms += 1;
    }
    title.count(messages);
    opener.classList.toggle("has-unread", messages > 0);
    opener.ariaLabel = messages ? `Rooms and people, ${messages} unread` : "Rooms and people";
    readAll.hidden = !messages;
    const calling = list.querySelectorAll(".badge.is-ember:not([hidden])").length;
    inbox.classList.toggle("is-unread", calling > 0);
    inbox.querySelector(".badge").hidden = !calling;
    inbox.querySelector("b").textContent = calling;
    const shown = rooms ? navigator.setAppBadge?.(rooms) : navigator.clearAppBadge?.();
    shown?.catch(() => {});
  };

  const draw = (link, { unread, isMentioned }) => {
    link.dataset.unread = unread;
    link.classList.toggle("is-unread", unread > 0);
    const isDirect = link.dataset.kind === "direct";
    const badge = link.querySelector(".badge");
    badge.hidden = !unread;
    badge.classList.toggle("is-ember", isDirect || isMentioned);
    badge.firstElementChild.textContent = unread > 999 ? "999+" : unread;
    badge.lastElementChild.textContent =
      isMentioned && !isDirect ? " unread, you are mentioned" : " unread";
  };

  const isWatched = (id) =>
    id === room?.id && document.hasFocus() && document.visibilityState === "visible";

  // Direct messages stand in the order in which something was said in them; among the starred
  // rooms, where shared ones come first, the list is asked for its order.
  const rise = (link) => {
    const row = link.parentElement;
    const rows = row.parentElement;
    if (link.dataset.kind !== "direct" || rows.firstElementChild === row) return;
    if (link.closest("#section-direct")) rows.prepend(row);
    else if (row.previousElementSibling.firstElementChild.dataset.kind === "direct") {
      listing.refresh(SOMETIME);
    }
  };

  const count = (id, unread, isMentioned) => {
    told.set(id, { unread, isMentioned });
    const link = listing.linkTo(id);
    // A room out of sight comes back with the first thing said in it.
    if (unread && (!link || link.closest("#section-left"))) listing.refresh();
    if (!link) return;
    if (unread > Number(link.dataset.unread)) rise(link);
    // With the last word of somebody who left, their room goes back to the others like it.
    if (!unread && Number(link.dataset.unread) && link.matches(".is-muted")) listing.refresh();
    draw(link, { unread, isMentioned });
    total();
  };

  socket.addEventListener("room.unread", ({ detail }) => {
    const tell = () => count(detail.room_id, detail.unread_count, detail.mentioned);
    if (!isWatched(detail.room_id)) return tell();
    // The open room is mostly read as fast as it fills: a count would only flicker.
    clearTimeout(held);
    held = setTimeout(tell, READ_WITHIN);
  });
  socket.addEventListener("room.read", ({ detail: { room_id, unread_count, mentioned } }) => {
    if (room_id === room?.id) clearTimeout(held);
    count(room_id, unread_count, mentioned);
  });
  socket.addEventListener("message.posted", () => {
    const link = listing.linkTo(room?.id);
    if (link) rise(link);
  });

  // What was told while the answer was on its way is newer than the answer.
  listing.addEventListener("asked", () => told.clear());
  listing.addEventListener("placed", () => {
    for (const [id, what] of told) {
      const link = listing.linkTo(id);
      if (link) draw(link, what);
    }
    total();
    drafts.mark(list);
    finder.narrow();
  });

  for (const name of ["room.created", "room.changed", "room.removed"]) {
    socket.addEventListener(name, () => listing.refresh());
  }
  for (const name of ["membership.granted", "membership.revoked"]) {
    socket.addEventListener(name, () => listing.refresh());
  }
  // These concern everybody: not all shall ask in the same moment.
  for (const name of ["user.changed", "account.changed"]) {
    socket.addEventListener(name, () => listing.refresh(Math.random() * SOMETIME));
  }
  socket.addEventListener("account.changed", ({ detail: { account } }) => {
    sidebar.querySelector("#brand").textContent = account.name;
  });
  socket.addEventListener("user.changed", ({ detail: { user } }) => {
    if (user.id !== viewer.id) return;
    const me = sidebar.querySelector(".sidebar-me");
    me.querySelector(".truncate").textContent = user.name;
    me.querySelector("img").src = user.avatar_url;
  });

  dots.connect(socket);
  dots.connectNights(listing);
  const mark = (isHere) => {
    document.getElementById("me").className = `presence ${isHere ? "is-here" : "is-off"}`;
  };
  socket.addEventListener("line.down", () => mark(false));
  // What changed while nobody told, and who is here: the page itself cannot know.
  socket.addEventListener("line.up", () => {
    mark(true);
    listing.refresh(0);
  });

  readAll.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const headers = { "HX-Request": "true" };
      const answer = await fetch(readAll.action, { method: "POST", headers });
      if (answer.status === 401) return toSignIn();
      flash(answer.ok ? "Everything is read" : "This did not work.", { isAlert: !answer.ok });
    } catch {
      flash("The line is down. Nothing was changed.", { isAlert: true });
    }
  });

  const keys = sidebar.querySelector("#search-open kbd");
  if (/Mac|iP/.test(navigator.platform)) keys.textContent = "⌘ K";
  keys.hidden = touch.matches;

  drafts.connect(list);
  const finder = connectFinder(sidebar, list);
  connectSections(list);
  connectDrawer(sidebar, opener);
  total();
  return listing;
}
