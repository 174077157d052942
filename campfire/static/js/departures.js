// The room is taken from under the reader: it was deleted, or somebody took them out of it. They
// are told why, keep what they were writing, and are led to their other rooms.

import * as drafts from "./drafts.js";
import { copy } from "./flash.js";
import { element, icon, room, url } from "./page.js";

const LED_AFTER = 8_000;

const REASONS = {
  "room.removed": ["is not here any more", "It was deleted, with everything that was said in it."],
  "membership.revoked": ["is closed to you", "Somebody took you out of this room."],
  "room.gone": ["is not here any more", "It was deleted, or you are not in it any more."],
};

// The settings of a room end with it, or with one's place in it.
export function close(page, socket) {
  const { aboutRoom, roomName } = page.dataset;
  for (const name of ["room.removed", "membership.revoked"]) {
    socket.addEventListener(name, ({ detail }) => {
      if (detail.room_id !== Number(aboutRoom)) return;
      const [fate, why] = REASONS[name];
      const onward = element("a", { class: "button is-primary", href: url("/") }, "To your rooms");
      const card = element("section", { class: "card is-centred", role: "alert" });
      card.append(
        element("h2", {}, element("bdi", {}, roomName), ` ${fate}`),
        element("p", {}, why),
        onward,
      );
      page.replaceWith(card);
      onward.focus();
      setTimeout(() => location.assign(url("/")), LED_AFTER);
    });
  }
}

export function connect(sheet, socket) {
  let isGone = false;

  const leave = (reason) => {
    if (isGone) return;
    isGone = true;
    const text = document.getElementById("composer-text");
    const words = text?.value.trim() ? text.value : drafts.draft(room.id);
    drafts.keep(room.id, words);
    const [fate, why] = REASONS[reason];
    const onward = element("a", { class: "button is-primary", href: url("/") }, "To your rooms");
    const nothing = element(
      "div",
      { class: "nothing", role: "alert" },
      icon("campfire"),
      element("h2", {}, element("bdi", {}, room.name), ` ${fate}`),
      element("p", {}, why),
    );
    if (words.trim()) {
      const kept = element("textarea", { class: "input", rows: 4, readonly: "", dir: "auto" });
      kept.value = words;
      kept.ariaLabel = "What you were writing";
      const copier = element("button", { class: "button", type: "button" }, icon("copy"), "Copy");
      copier.addEventListener("click", () => copy(words, "Copied"));
      nothing.append(
        element("p", {}, "What you were writing is still here, and kept on this device."),
        kept,
        element("div", { class: "row" }, copier, onward),
      );
    } else {
      nothing.append(onward);
      // Nothing is left to read or to save.
      setTimeout(() => location.assign(url("/")), LED_AFTER);
    }
    // What was said here is not theirs to read any more.
    for (const part of [...sheet.children].slice(1)) part.remove();
    for (const tool of sheet.querySelectorAll(".sheet-head > :not(.drawer-open, .sheet-title)")) {
      tool.remove();
    }
    document.getElementById("people")?.remove();
    document.body.classList.remove("has-panel");
    sheet.append(nothing);
    onward.focus();
  };

  for (const name of ["room.removed", "membership.revoked"]) {
    socket.addEventListener(name, ({ detail }) => {
      if (detail.room_id === room.id) leave(name);
    });
  }
  socket.addEventListener("room.gone", () => leave("room.gone"));
}
