// A link to hand on: copied with a press, or shared where the device knows how.

import { copy } from "./flash.js";

export function connect(block) {
  const field = block.querySelector("[data-link]");
  const copier = block.querySelector("[data-copy]");
  const sharer = block.querySelector("[data-share]");

  copier.hidden = false;
  copier.addEventListener("click", () => copy(field.value, "Link copied"));
  field.addEventListener("focus", () => field.select());

  if (!sharer || !navigator.share) return;
  sharer.hidden = false;
  sharer.addEventListener("click", () => {
    // Whoever closes the sheet without sharing changed their mind, no more.
    navigator.share({ url: field.value }).catch(() => {});
  });
}
