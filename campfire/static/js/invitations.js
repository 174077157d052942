// The link that lets people in, ready to be copied.

import { copy } from "./flash.js";

export function connect(field, button) {
  button.hidden = false;
  button.addEventListener("click", () => copy(field.value, "Link copied"));
  field.addEventListener("focus", () => field.select());
}
