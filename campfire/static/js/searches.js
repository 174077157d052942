// The page of searches: filters are completed while one types, Escape clears the field and then
// leads back, and a pill without an answer yet leads to the field that has it.

import { fold, matches } from "./filters.js";
import { Options } from "./options.js";
import { element, url } from "./page.js";
import { localizeMoments } from "./times.js";

const ASKED_AFTER = 150;
const MOST = 8;
const FILTERS = [
  ["from:", "who wrote it"],
  ["in:", "in which room"],
  ["has:file", "with a file"],
  ["has:link", "with a link"],
  ["after:", "since a day, such as 2026-11-23"],
  ["before:", "before a day"],
];
const TYPED = /(?:^|\s)((from|in|has|after|before):("?)([^"]*))$/i;
const BEGUN = /(?:^|\s)([a-z]{2,6})$/i;
const FIELDS = { room: "f-room", people: "f-from", clock: "f-since" };

const choice = (text, about) => ({
  text,
  row: [
    element(
      "span",
      {},
      element("bdi", {}, text),
      ...(about ? [" ", element("small", { class: "faint" }, about)] : []),
    ),
  ],
});

const quoted = (name) => (/\s/.test(name) ? `"${name}"` : name);

const day = (daysAgo) => {
  const date = new Date();
  date.setDate(date.getDate() - daysAgo);
  return date.toLocaleDateString("sv-SE");
};

async function named(query) {
  try {
    const path = `/users?${new URLSearchParams({ query })}`;
    const answer = await fetch(url(path), { headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).map(({ name }) => name) : [];
  } catch {
    return [];
  }
}

async function completions(kind, value) {
  const wanted = fold(value);
  if (kind === "from") {
    const me = matches("me", wanted) ? ["me"] : [];
    return [...me, ...(await named(value))].slice(0, MOST).map((name) => [quoted(name)]);
  }
  if (kind === "in") {
    return [...document.querySelectorAll("#room-list a[data-room-id]:not([data-kind])")]
      .map((link) => link.title)
      .filter((name) => matches(name, wanted))
      .slice(0, MOST)
      .map((name) => [quoted(name)]);
  }
  if (kind === "has") {
    return [["file"], ["link"]].filter(([word]) => word.startsWith(wanted));
  }
  const days = [
    [day(0), "today"],
    [day(7), "a week ago"],
    [day(30), "a month ago"],
    [day(365), "a year ago"],
  ];
  return days.filter(([date]) => date.startsWith(value));
}

export function connect(form) {
  const field = form.elements.q;
  const panel = document.getElementById("narrow");
  let timer = 0;

  const upToCaret = () => field.value.slice(0, field.selectionStart);
  const take = ({ text, from }) => {
    const isBegun = text.endsWith(":");
    const rest = field.value.slice(field.selectionStart).replace(/^["\s]+/, "");
    const begun = `${upToCaret().slice(0, from)}${text}${isBegun ? "" : " "}`;
    field.value = begun + rest;
    field.setSelectionRange(begun.length, begun.length);
    options.close();
    if (isBegun) suggest();
  };
  const options = new Options(field, "Filters", take);
  form.querySelector(".search-field").after(options.list);

  const suggest = async () => {
    const typed = upToCaret();
    const filter = typed.match(TYPED);
    if (filter) {
      const [, whole, kind, , value] = filter;
      const from = typed.length - whole.length;
      const found = await completions(kind.toLowerCase(), value);
      if (upToCaret() !== typed) return;
      const choices = found.map(([text, about]) => choice(`${kind.toLowerCase()}:${text}`, about));
      // What is typed already whole is nothing to complete.
      const isWhole = choices.length === 1 && choices[0].text === whole;
      options.show(isWhole ? [] : choices.map((each) => ({ ...each, from })), value ? 0 : -1);
      return;
    }
    const begun = typed.match(BEGUN)?.[1].toLowerCase();
    const names = FILTERS.filter(([name]) => begun && name.startsWith(begun));
    const from = typed.length - (begun?.length ?? 0);
    options.show(
      names.map(([name, about]) => ({ ...choice(name, about), from })),
      -1,
    );
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, ASKED_AFTER);
  });
  field.addEventListener("blur", () => options.close());
  form.addEventListener("submit", () => clearTimeout(timer));

  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (document.querySelector("dialog[open], [data-drawer]")) return;
    if (location.hash === "#narrow") location.hash = "#main";
    else if (field.value) {
      field.value = "";
      field.focus();
    } else document.getElementById("search-close").click();
  });
  form.addEventListener("click", (event) => {
    const opener = event.target.closest("a[href='#narrow']");
    if (!opener) return;
    const name = opener.querySelector("use").getAttribute("href").split("#icon-")[1];
    // After the panel is there: the address makes it the target first.
    requestAnimationFrame(() => panel.querySelector(`#${FIELDS[name]}`).focus());
  });

  localizeMoments(document);
  if (!field.value) field.focus();
}
