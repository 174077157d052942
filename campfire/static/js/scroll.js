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

function inView(most) {
  const edge = section.getBoundingClientRect().top;
  const found = [];
  for (const article of section.getElementsByTagName("article")) {
    const box = article.getBoundingClientRect();
    if (box.bottom > edge) found.push([article, box.top]);
    if (found.length === most) break;
  }
  return found;
}

export const firstInView = () => inView(1)[0]?.[0];

// The last of these messages that can be read to its end.
export function lastInView(articles) {
  const { top, bottom } = section.getBoundingClientRect();
  for (let at = articles.length - 1; at >= 0; at -= 1) {
    const end = articles[at].getBoundingClientRect().bottom;
    if (end < top) break;
    if (end <= bottom + 1) return articles[at];
  }
  return undefined;
}

// Keeps the first message in view where it is, or the next one if that message goes away.
export function hold(change) {
  const held = inView(3);
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
