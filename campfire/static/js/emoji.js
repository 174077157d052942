// Every emoji, its shortcodes and the words that find it; fetched the first time that one is wanted.

import { stored } from "./page.js";

const DATA = new URL("../vendor/emoji.json", import.meta.url);
const PARTS = 2;
// What most systems can draw by now.
const DRAWN = 15.1;
const LATELY = stored("emoji");
const MOST_LATELY = 16;

let known = null;

export function all() {
  known ??= fetch(DATA)
    .then((answer) => {
      if (!answer.ok) throw new Error(`emoji: ${answer.status}`);
      return answer.json();
    })
    .then((data) =>
      data
        .filter(({ group, version }) => group !== PARTS && version <= DRAWN)
        .map(({ emoji, annotation, shortcodes = [], tags, group }) => {
          const names = shortcodes.length ? shortcodes : [annotation.replaceAll(" ", "_")];
          return { emoji, group, names, annotation, words: [...annotation.split(" "), ...tags] };
        }),
    )
    .catch((error) => {
      // The next time, the line may be up.
      known = null;
      throw error;
    });
  return known;
}

function rank({ names, words }, wanted) {
  if (names.includes(wanted)) return 0;
  if (names.some((name) => name.startsWith(wanted))) return 1;
  if (names.some((name) => name.split(/[_-]/).some((part) => part.startsWith(wanted)))) return 2;
  return words.some((word) => word.startsWith(wanted)) ? 3 : 4;
}

export async function found(text, limit) {
  const wanted = text.trim().toLowerCase().replaceAll(" ", "_");
  return (await all())
    .map((each) => [rank(each, wanted), each])
    .filter(([grade]) => grade < 4)
    .sort(([one], [other]) => one - other)
    .slice(0, limit)
    .map(([, each]) => each);
}

export function lately() {
  try {
    return JSON.parse(localStorage.getItem(LATELY)) ?? [];
  } catch {
    return [];
  }
}

export function used(emoji) {
  try {
    const others = lately().filter((other) => other !== emoji);
    localStorage.setItem(LATELY, JSON.stringify([emoji, ...others].slice(0, MOST_LATELY)));
  } catch {
    // Without storage nothing is remembered.
  }
}
