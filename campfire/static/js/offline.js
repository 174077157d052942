// The page without a line looks by itself whether there is one again.

import { url } from "./page.js";

const AGAIN_AFTER = 10_000;

async function look() {
  try {
    await fetch(url("/health"), { cache: "no-store" });
    location.reload();
  } catch {
    // Still nothing.
  }
}

addEventListener("online", look);
setInterval(look, AGAIN_AFTER);
