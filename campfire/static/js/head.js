// The head of the room: what it is called, its star, and how much of it should reach the reader.
// The forms work alone; with a script they are sent without leaving the page.

import { flash } from "./flash.js";
import { icon, room, toSignIn } from "./page.js";
import { rename } from "./title.js";

async function send(form, fields) {
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "HX-Request": "true" },
      body: new URLSearchParams(fields),
    });
    if (answer.status === 401) toSignIn();
    if (answer.ok) return true;
    flash("This did not work.", { isAlert: true });
  } catch {
    flash("The line is down. Nothing was changed.", { isAlert: true });
  }
  return false;
}

function connectStar(form) {
  const button = form.querySelector("button");
  const path = form.getAttribute("action").replace(/\/delete$/, "");

  const draw = (isStarred) => {
    form.action = isStarred ? `${path}/delete` : path;
    button.ariaPressed = String(isStarred);
    button.title = isStarred ? "Starred" : "Star this room";
    button.replaceChildren(icon("star", isStarred ? "is-small is-filled" : "is-small"));
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = button.ariaPressed !== "true";
    if (await send(form, {})) draw(wanted);
  });
  return draw;
}

function connectLevel(details) {
  const summary = details.querySelector("summary");
  const form = details.querySelector("form");
  const items = [...details.querySelectorAll("[role=menuitemradio]")];

  const draw = (level) => {
    for (const item of items) {
      const isChosen = item.value === level;
      item.ariaChecked = String(isChosen);
      if (!isChosen) continue;
      const words = `Notifications: ${item.querySelector("span").firstChild.data}`;
      summary.ariaLabel = words;
      summary.title = words;
      summary.replaceChildren(item.querySelector("svg").cloneNode(true));
    }
  };
  const close = () => {
    if (!details.open) return;
    details.open = false;
    summary.focus();
  };
  details.addEventListener("toggle", () => {
    summary.ariaExpanded = String(details.open);
    if (details.open) (items.find((item) => item.ariaChecked === "true") ?? items[0]).focus();
  });
  details.addEventListener("keydown", (event) => {
    // How things are on this device may stand below the levels.
    const all = [...details.querySelectorAll("[role^=menuitem]")];
    const at = all.indexOf(document.activeElement);
    const to = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at + all.length - 1) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (event.key === "Escape" && details.open) {
      event.stopPropagation();
      close();
    } else if (to !== undefined && details.open) {
      event.preventDefault();
      all[to].focus();
    }
  });
  addEventListener("click", (event) => {
    if (details.open && !details.contains(event.target)) details.open = false;
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const level = event.submitter.value;
    close();
    if (!(await send(form, { involvement: level }))) return;
    draw(level);
    const words = {
      everything: "Everything rings",
      mentions: "Mentions ring",
      nothing: "Nothing rings",
    };
    flash(words[level] ?? "Hidden from your list");
  });
  summary.ariaExpanded = "false";
  return draw;
}

export function connect(head, socket, listing) {
  const star = connectStar(head.querySelector("#star"));
  const level = connectLevel(head.querySelector("#level"));
  const text = document.getElementById("composer-text");
  const title = head.querySelector("#room-name");

  const retitle = (name) => {
    if (title.textContent === name) return;
    rename(document.title.replace(/^\(\d+\) /, "").replace(title.textContent, () => name));
    title.textContent = name;
    room.name = name;
    if (text) {
      text.placeholder = `Write to ${name}`;
      text.form.ariaLabel = text.placeholder;
      text.labels[0].textContent = `Message to ${name}`;
    }
    document.getElementById("messages").ariaLabel = `Messages in ${name}`;
  };

  socket.addEventListener("room.changed", ({ detail }) => {
    if (detail.room_id !== room.id) return;
    const { name, kind, membership } = detail.room;
    star(membership.starred);
    level(membership.involvement);
    head.querySelector("#kind").textContent = kind === "open" ? "Open to everyone · " : "";
    retitle(name);
  });
  // A direct room is called after its people, whose names the list has.
  listing.addEventListener("placed", () => {
    const link = listing.linkTo(room.id);
    if (link) retitle(link.title);
  });
}
