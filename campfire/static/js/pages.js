// The pages of a room behind and before the window: fetched when the reader comes near an edge,
// and when somebody wants to be elsewhere. Without a script the same links lead to whole pages.

import { idOf, parse } from "./messages.js";
import { room, roomUrl, toSignIn } from "./page.js";
import { firstInView, isNearEnd, show, toEnd } from "./scroll.js";

const AROUND = 80;
const ANSWER_WITHIN = 20_000;
const NEAR = "600px 0px";

export class Pages {
  #log;
  #loading = null;
  #isStale = false;

  constructor(log) {
    this.#log = log;
  }

  older() {
    const [first] = this.#log.sent;
    if (!first || this.#loading || this.#log.older.hidden) return undefined;
    return this.#load({ before: idOf(first) }, (page) => this.#log.prepend(page));
  }

  newer() {
    const last = this.#log.newest;
    if (!last || this.#loading || !this.#log.isDetached) return undefined;
    return this.#load({ after: idOf(last) }, (page) => this.#log.extend(page));
  }

  // Back to the newest messages, fetched when the window is elsewhere.
  async toNewest() {
    if (this.#log.isDetached) await this.#newest();
    toEnd();
    this.#log.see();
  }

  async toMessage(id) {
    const shown = () => document.querySelector(`#log [data-message-id="${id}"]`);
    if (!shown()) await this.#around(id);
    if (shown()) show(shown(), "center");
  }

  // The room moved on by more than the server replays: the window is fetched anew, where it is.
  async reset() {
    this.#log.forgetChanges();
    this.#isStale = true;
    const reading = this.#log.isDetached || !isNearEnd() ? firstInView() : null;
    const isFresh = (reading && (await this.#around(idOf(reading)))) || (await this.#newest());
    this.#isStale = !isFresh;
  }

  retry() {
    if (this.#isStale) this.reset();
  }

  #newest() {
    return this.#load({}, (page) => this.#log.replace(page, { older: page.more, newer: false }));
  }

  #around(id) {
    return this.#load({ around: id, limit: AROUND }, (page) =>
      this.#log.replace(page, { older: true, newer: true }),
    );
  }

  // One page at a time: a second wish waits for the first, so their edges cannot cross.
  async #load(query, apply) {
    while (this.#loading) await this.#loading;
    this.#loading = this.#log.take(fetched(query), apply);
    const isTaken = await this.#loading;
    this.#loading = null;
    if (isTaken) this.#log.dispatchEvent(new Event("loaded"));
    return isTaken;
  }
}

// The page, or nothing while the line is down. The links stay: a press asks again.
async function fetched(query) {
  try {
    const answer = await fetch(roomUrl(`/messages?${new URLSearchParams(query)}`), {
      headers: { "HX-Request": "true" },
      signal: AbortSignal.timeout(ANSWER_WITHIN),
    });
    if (answer.status === 401) toSignIn();
    if (!answer.ok) return null;
    const articles = parse(await answer.text());
    return { articles, more: /rel="?next"?/.test(answer.headers.get("Link") ?? "") };
  } catch {
    return null;
  }
}

export function connect(section, log, socket) {
  const pages = new Pages(log);
  const load = (edge) => (edge === log.older ? pages.older() : pages.newer());
  const edges = [log.older, log.newer];

  const watch = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) load(target);
    },
    { root: section, rootMargin: NEAR },
  );
  // Watching anew asks again where the edges are: a short page leaves them in view.
  const look = () => {
    for (const edge of edges) {
      watch.unobserve(edge);
      watch.observe(edge);
    }
  };
  look();
  log.addEventListener("loaded", look);
  for (const edge of edges) {
    edge.addEventListener("click", (event) => {
      event.preventDefault();
      load(edge);
    });
  }
  socket.addEventListener("room.reset", () => pages.reset());
  socket.addEventListener("line.up", () => {
    pages.retry();
    look();
  });

  const target = document.querySelector(`#log [data-message-id="${room.target}"]`);
  if (target) {
    // The address with the fragment makes it the :target, which the design lights up once.
    if (location.hash !== `#${target.id}`) location.replace(`#${target.id}`);
    show(target, "center");
  }
  return pages;
}
