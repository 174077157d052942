// The rows of the list of rooms as the server draws them. A fresh list is put in place row by row,
// so that the scroll position, the focus, what is folded and what is typed stay.

import { room, toSignIn, url } from "./page.js";

const SOON = 60;
const AGAIN = 5_000;
const TOOLS = ".sidebar-section-tools";

export class Listing extends EventTarget {
  #list;
  #due = 0;
  #timer = 0;
  #isFetching = false;

  constructor(list) {
    super();
    this.#list = list;
  }

  linkTo(id) {
    return this.#list.querySelector(`[data-room-id="${id}"]`);
  }

  // Many reasons at once are one fetch.
  refresh(within = SOON) {
    const at = Date.now() + within;
    if (this.#timer && this.#due <= at) return;
    clearTimeout(this.#timer);
    this.#due = at;
    this.#timer = setTimeout(() => this.#fetch(), within);
  }

  async #fetch() {
    this.#timer = 0;
    if (this.#isFetching) return this.refresh();
    this.#isFetching = true;
    this.dispatchEvent(new Event("asked"));
    const html = await this.#asked();
    this.#isFetching = false;
    if (html === null) this.refresh(AGAIN);
    else this.#put(html);
  }

  // The list, or nothing while the line is down or the server too busy.
  async #asked() {
    try {
      const answer = await fetch(url("/rooms"), { headers: { "HX-Request": "true" } });
      if (answer.status === 401) toSignIn();
      return answer.ok ? await answer.text() : null;
    } catch {
      return null;
    }
  }

  #put(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const section of fresh.querySelectorAll("section")) {
      const old = document.getElementById(section.id);
      old.hidden = section.hidden;
      const [heading, words] = [old.querySelector("h2"), section.querySelector("h2").textContent];
      if (heading.textContent !== words) heading.textContent = words;
      const [had, tools] = [old.querySelector(TOOLS), section.querySelector(TOOLS)];
      if (had && !tools) had.remove();
      else if (tools && !had) old.append(document.adoptNode(tools));
      else if (tools && !tools.isEqualNode(had)) had.replaceWith(document.adoptNode(tools));
    }
    this.#placeRows(fresh);
    this.dispatchEvent(new Event("placed"));
  }

  #placeRows(fresh) {
    const focused = document.activeElement?.closest?.("#room-list [data-room-id]");
    const known = new Map();
    for (const link of this.#list.querySelectorAll("li > [data-room-id]")) {
      known.set(link.dataset.roomId, link.parentElement);
    }
    for (const rows of fresh.querySelectorAll(".sidebar-list")) {
      const place = document.querySelector(`#${rows.closest("section").id} .sidebar-list`);
      let at = place.firstElementChild;
      for (const row of [...rows.children]) {
        const link = row.firstElementChild;
        const { roomId } = link.dataset;
        if (Number(roomId) === room?.id) link.setAttribute("aria-current", "page");
        const old = known.get(roomId);
        known.delete(roomId);
        const wanted = old?.firstElementChild.isEqualNode(link) ? old : document.adoptNode(row);
        if (wanted === at) at = at.nextElementSibling;
        else place.insertBefore(wanted, at);
        if (old && old !== wanted) {
          if (old === at) at = at.nextElementSibling;
          old.remove();
        }
      }
    }
    for (const row of known.values()) row.remove();
    if (focused && !focused.isConnected) this.linkTo(focused.dataset.roomId)?.focus();
  }
}
