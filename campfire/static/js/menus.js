// What opens beside a button and closes again, one at a time; on a phone it is a sheet from below.
// Escape and a press elsewhere close it, and the focus goes back to where it was wanted from.

const GAP = 4;
const EDGE = 8;
const sheet = matchMedia("(width < 48rem)");

let shown = null;

export function open(menu, opener, { back, focus } = {}) {
  close();
  shown = { menu, back };
  menu.showPopover();
  place(menu, opener.getBoundingClientRect());
  (focus ?? menu.querySelector("button")).focus({ preventScroll: true });
}

export function close() {
  if (!shown) return;
  const { menu, back } = shown;
  shown = null;
  const hadFocus = menu.contains(document.activeElement);
  menu.hidePopover();
  if (hadFocus) back?.focus({ preventScroll: true });
}

// Arrows go from one of the buttons to the next, and round.
export function step(buttons, event) {
  const at = buttons.indexOf(document.activeElement);
  const isRtl = document.documentElement.dir === "rtl";
  const [forward, backward] = isRtl ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
  let next = null;
  if (event.key === forward || event.key === "ArrowDown") next = (at + 1) % buttons.length;
  else if (event.key === backward || event.key === "ArrowUp") {
    next = (Math.max(at, 0) - 1 + buttons.length) % buttons.length;
  } else if (event.key === "Home") next = 0;
  else if (event.key === "End") next = buttons.length - 1;
  else return false;
  event.preventDefault();
  buttons[next].focus();
  return true;
}

// The touch that opens or closes a sheet is not one on what lies under the finger as it lifts.
export function swallowClick() {
  const swallow = (click) => {
    click.preventDefault();
    click.stopPropagation();
  };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => {
    const release = () => removeEventListener("click", swallow, true);
    addEventListener("pointerdown", release, { capture: true, once: true });
  });
}

// Below what opened it, or above it where there is more room, and always in view.
function place(menu, at) {
  if (sheet.matches) {
    menu.removeAttribute("style");
    return;
  }
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = at.bottom + GAP + height + EDGE <= innerHeight;
  const top = below ? at.bottom + GAP : Math.max(EDGE, at.top - GAP - height);
  const left = Math.min(Math.max(EDGE, at.right - width), innerWidth - width - EDGE);
  Object.assign(menu.style, { inset: `${top}px auto auto ${left}px`, margin: 0 });
}

document.addEventListener(
  "pointerdown",
  (event) => {
    if (!shown || shown.menu.contains(event.target)) return;
    close();
    if (event.pointerType === "touch") swallowClick();
  },
  true,
);

document.addEventListener(
  "keydown",
  (event) => {
    if (!shown || event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  },
  true,
);
