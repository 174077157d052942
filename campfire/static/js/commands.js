// A line for a terminal is copied with a press.

import { copy } from "./flash.js";

export function connect(block) {
  const copier = block.querySelector("[data-copy]");
  copier.hidden = false;
  copier.addEventListener("click", () => {
    copy(block.querySelector("code").textContent, "Copied");
  });
}
