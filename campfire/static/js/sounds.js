// Sounds, one at a time: at the press of a button, and once by itself when somebody plays one
// while this window is looked at. What came during an absence stays silent.

import { parse } from "./messages.js";

const audio = new Audio();
const reduced = matchMedia("(prefers-reduced-motion: reduce)");

// The id of the message whose sound it is: its element may be drawn anew meanwhile.
let playing = "";

function mark(isPlaying) {
  const form = document.getElementById(playing)?.querySelector(".sound");
  if (!form) return;
  form.toggleAttribute("data-playing", isPlaying);
  const label = `${isPlaying ? "Stop" : "Play"} the sound: ${form.dataset.sound}`;
  form.querySelector("button").ariaLabel = label;
}

audio.addEventListener("playing", () => mark(true));
audio.addEventListener("ended", () => stop());
audio.addEventListener("error", () => stop());

function stop() {
  audio.pause();
  mark(false);
  playing = "";
}

function play(id, address) {
  stop();
  playing = id;
  audio.src = address;
  // A browser that has not been touched yet refuses; the button is there.
  audio.play().catch(() => {});
}

export function toggle(form) {
  const { id } = form.closest("article");
  if (playing === id && !audio.paused) stop();
  else play(id, form.action);
}

// A message that is told of live, by others and by oneself alike.
export function hear(html, log) {
  const isMuted = document.body.classList.contains("is-muted");
  if (isMuted || reduced.matches || document.hidden || log.isDetached) return;
  const article = parse(html)[0];
  const form = article?.querySelector(".message-body > .sound");
  if (form) play(article.id, form.getAttribute("action"));
}
