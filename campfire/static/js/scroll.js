// Where the reader is in the log, kept while the log changes around it. The scroller is a
// reversed column: 0 is the newest end and positions above it are negative.

const NEAR = 100;

const section = document.getElementById("messages");

export const isNearEnd = () => section.scrollTop > -NEAR;

export function toEnd() {
  section.scrollTop = 0;
}

// Changes the log without moving what is being read: the newest end stays in view, and anywhere
// else the first message in view keeps its place.
export function steady(change) {
  if (section.scrollTop < -1) hold(change);
  else {
    change();
    toEnd();
  }
}

// Keeps the first message in view where it is, or the next one if that message goes away.
export function hold(change) {
  const edge = section.getBoundingClientRect().top;
  const held = [];
  for (const article of section.getElementsByTagName("article")) {
    const box = article.getBoundingClientRect();
    if (box.bottom > edge) held.push([article, box.top]);
    if (held.length === 3) break;
  }
  change();
  for (const [{ id }, top] of held) {
    const kept = document.getElementById(id);
    if (!kept) continue;
    section.scrollTop += kept.getBoundingClientRect().top - top;
    break;
  }
}

export function show(node, block = "nearest") {
  node.scrollIntoView({ block, behavior: "instant" });
}

export function isAbove(node) {
  return node.getBoundingClientRect().bottom < section.getBoundingClientRect().top;
}

// Our own anchoring is exact; a second one by the browser would move twice.
if (section) section.style.overflowAnchor = "none";
