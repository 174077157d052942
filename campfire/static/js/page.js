// What the server wrote into the page: who reads, which room is open, where things are.
// Modules ask here instead of reading attributes themselves.

export const { base } = document.body.dataset;
const { userId, userName, userRole, icons } = document.body.dataset;
const sheet = document.getElementById("main");

export const viewer = { id: Number(userId), name: userName, role: userRole };

export const room = sheet?.dataset.roomId && {
  id: Number(sheet.dataset.roomId),
  name: sheet.dataset.roomName,
  seq: Number(sheet.dataset.roomSeq),
  lastReadId: Number(sheet.dataset.lastReadId),
  unread: Number(sheet.dataset.unread),
  firstUnreadId: Number(sheet.dataset.firstUnread),
  target: Number(sheet.dataset.target) || null,
};

export const url = (path) => base + path;

export const roomUrl = (path = "", id = room.id) => url(`/rooms/${id}${path}`);

// Where this person's own things are kept on this device.
export const stored = (kind) => `campfire${base}.${kind}.${viewer.id}.`;

// A finger has no hover and its keyboard no modifier: the same question everywhere.
export const touch = matchMedia("(hover: none), (pointer: coarse)");

export function icon(name, more = "") {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("class", `icon ${more}`.trim());
  drawn.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${icons}#icon-${name}`);
  drawn.append(use);
  return drawn;
}

// element("button", { class: "button", type: "button" }, icon("close"), "Close")
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function copyOf(templateId) {
  return document.getElementById(templateId).content.firstElementChild.cloneNode(true);
}

// Whoever signs out is on the way there already when the socket ends.
let isLeaving = false;
addEventListener("submit", (event) => {
  isLeaving ||= !event.defaultPrevented;
});
addEventListener("pageshow", () => {
  isLeaving = false;
});

export function toSignIn() {
  if (!isLeaving) location.assign(url("/session/new"));
}
