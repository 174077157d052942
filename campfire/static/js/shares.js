// What another app shared comes behind the hash of the address: it is a draft in the room that was
// open last, until somebody sends it.

import * as drafts from "./drafts.js";
import { room } from "./page.js";

export const PREFIX = "#share=";

export function take() {
  let shared = "";
  try {
    shared = decodeURIComponent(location.hash.slice(PREFIX.length));
  } catch {
    // Nobody shares what is no text.
  }
  history.replaceState(history.state, "", location.pathname + location.search);
  const words = drafts.draft(room.id).trimEnd();
  if (shared.trim()) drafts.keep(room.id, words ? `${words}\n${shared}` : shared);
}
