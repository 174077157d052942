// Search in an export. A page from a folder may load no modules and fetch nothing, so this is a
// plain script, and what it looks through is another one, which sets `said`.

const MOST = 200;

/** Text without case and accents, as names and words are compared. */
function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss");
}

function hit([page, id, who, when, text]) {
  const link = document.createElement("a");
  link.href = `page-${page}.html#m${id}`;
  link.textContent = `${who}, ${when}`;
  const words = document.createElement("p");
  words.textContent = text.slice(0, 300);
  const item = document.createElement("li");
  item.append(link, words);
  return item;
}

function search(query) {
  const wanted = fold(query).split(/\s+/).filter(Boolean);
  const found = wanted.length
    ? said.filter(([, , who, , text]) => {
        const words = fold(`${who} ${text}`);
        return wanted.every((word) => words.includes(word));
      })
    : [];
  const shown = found.slice(-MOST).reverse();
  document.querySelector(".hits").replaceChildren(...shown.map(hit));
  document.querySelector("output").textContent = wanted.length
    ? `${found.length} found${found.length > MOST ? `, the newest ${MOST} shown` : ""}`
    : "";
}

const field = document.querySelector("input");
field.value = new URLSearchParams(location.search).get("q") ?? "";
field.addEventListener("input", () => search(field.value));
search(field.value);
