// The dots beside people: who is online and for whom it is night, in shape and in words.

import { timeOfDay } from "./times.js";

const EVERY = 30_000;
const SOMETIME = 60_000;

// When the quiet hours that somebody is in end, in milliseconds; 0 outside of them.
export function quietUntil({ dataset }) {
  const now = Date.now();
  return Number(dataset.quietFrom) <= now && now < Number(dataset.quietUntil)
    ? Number(dataset.quietUntil)
    : 0;
}

function draw(dot) {
  const id = dot.dataset.presence;
  const isHere = dot.classList.contains("is-here");
  const until = isHere ? 0 : quietUntil(dot);
  dot.classList.toggle("is-quiet", until > 0);
  dot.classList.toggle("is-off", !isHere && !until);
  for (const words of document.querySelectorAll(`[data-presence-words="${id}"]`)) {
    words.textContent = isHere ? "online" : until ? "quiet hours" : "";
  }
  for (const note of document.querySelectorAll(`[data-quiet-words="${id}"]`)) {
    note.hidden = !until;
    note.textContent = until ? `until ${timeOfDay(until)}` : "";
  }
}

export function connect(socket) {
  socket.addEventListener("presence.changed", ({ detail: { user_id, online } }) => {
    for (const dot of document.querySelectorAll(`[data-presence="${user_id}"]`)) {
      dot.classList.toggle("is-here", online);
      draw(dot);
    }
  });
}

// Where there is a list of rooms, it says whose night is when.
export function connectNights(listing) {
  const drawNights = () => {
    const dots = document.querySelectorAll("[data-quiet-until]");
    for (const dot of dots) draw(dot);
    return dots;
  };
  listing.addEventListener("placed", drawNights);
  // A night begins and ends while the page is open; what comes after it, the server knows.
  // It is asked once for each night: its clock may be behind.
  const asked = new Set();
  setInterval(() => {
    for (const { dataset } of drawNights()) {
      if (Number(dataset.quietUntil) > Date.now() || asked.has(dataset.quietUntil)) continue;
      asked.add(dataset.quietUntil);
      listing.refresh(Math.random() * SOMETIME);
    }
  }, EVERY);
}
