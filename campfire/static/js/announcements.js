// What a screen reader is told of the log: live messages by others and nothing else. The log
// itself is silent, for it also changes by paging, editing and one's own echo.

import { authorOf, bodyOf } from "./messages.js";

const MOST = 3;
const LONGEST = 500;

export function connect(region, log) {
  log.addEventListener("arrived", ({ detail: arrived }) => {
    const lines =
      arrived.length > MOST
        ? [`${arrived.length} new messages`]
        : arrived.map(
            (article) => `${authorOf(article)}: ${bodyOf(article).textContent.slice(0, LONGEST)}`,
          );
    region.replaceChildren(
      ...lines.flatMap((line) => [line, document.createElement("br")]).slice(0, -1),
    );
  });
}
