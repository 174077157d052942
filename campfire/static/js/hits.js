// A hit in its room: which one it is, the way to the next and the one before, and back to what was
// found. The address carries what was asked; the words are marked in the message without touching it.

import { element, icon, room, url } from "./page.js";

const ALL = 100;

async function found(asked, window) {
  const query = new URLSearchParams([...asked, ...Object.entries(window)]);
  const answer = await fetch(url(`/searches?${query}`), {
    headers: { Accept: "application/json" },
  });
  if (!answer.ok) return { hits: [], total: "0" };
  const counted = Number(answer.headers.get("X-Total-Count")).toLocaleString();
  const isCapped = answer.headers.has("X-Total-Count-Capped");
  return { hits: await answer.json(), total: isCapped ? `more than ${counted}` : counted };
}

// Where the message stands among the hits now, with those beside it.
async function placed(asked, place) {
  let first = Math.max(0, place - 2);
  let { hits, total } = await found(asked, { limit: 3, offset: first });
  const isHere = ({ message }) => message.id === room.target;
  if (!hits.some(isHere)) {
    first = 0;
    ({ hits, total } = await found(asked, { limit: ALL }));
  }
  const at = hits.findIndex(isHere);
  return { total, hit: hits[at], place: first + at + 1, before: hits[at - 1], after: hits[at + 1] };
}

function mark(hit) {
  const snippet = new DOMParser().parseFromString(hit.snippet, "text/html");
  const words = [...snippet.querySelectorAll("mark")].map((each) => each.textContent.toLowerCase());
  const body = document.querySelector(`#log [data-message-id="${room.target}"] .message-body`);
  if (!body || !words.length || !window.Highlight) return;
  const ranges = [];
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    // Lower case may be longer: then the places would not be those of the text.
    if (text.length !== node.data.length) continue;
    for (const word of new Set(words)) {
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}

export async function connect(section) {
  const given = new URLSearchParams(location.search);
  const place = Number(given.get("hit"));
  const asked = new URLSearchParams(given);
  asked.delete("hit");
  const back = element("a", { class: "button is-quiet is-small", href: url(`/searches?${asked}`) });
  back.append(icon("arrow-back", "is-directional"), "Back to results");
  const words = element("span", { class: "truncate", role: "status" }, `Hit ${place}`);
  const bar = element("nav", { class: "hits", "aria-label": "Search results" }, back, words);
  section.before(bar);

  const link = ({ message }, at, name, sign) => {
    const query = new URLSearchParams([...asked, ["hit", at]]);
    const href = `${message.url}?${query}`;
    const attributes = { class: "button is-quiet is-icon is-small", href, "aria-label": name };
    return element("a", { ...attributes, title: name }, icon(sign));
  };
  try {
    const { hit, total, place: at, before, after } = await placed(asked, place);
    if (!hit) {
      words.textContent = "This is not among the hits any more";
      return;
    }
    words.textContent = `Hit ${at} of ${total}`;
    if (before) bar.append(link(before, at - 1, "Previous hit", "arrow-up"));
    if (after) bar.append(link(after, at + 1, "Next hit", "arrow-down"));
    mark(hit);
  } catch {
    // The way back is there; the rest needs the line.
  }
}
