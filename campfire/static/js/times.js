// Times and days in the reader's own zone and manner. The server writes UTC; formatters are
// made once, for each costs more than all the times of a page.

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });
const language = document.documentElement.lang;
const weekday = new Intl.DateTimeFormat(language, { weekday: "long" });
const month = new Intl.DateTimeFormat(language, { month: "long" });
const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

export const timeOfDay = (ms) => clock.format(ms);

export const dayOf = (ms) => new Date(ms).setHours(0, 0, 0, 0);

export function dayName(ms) {
  const date = new Date(ms);
  const now = new Date();
  const today = dayOf(now.getTime());
  const yesterday = new Date(today).setDate(now.getDate() - 1);
  const day = dayOf(ms);
  const year = date.getFullYear() === now.getFullYear() ? "" : ` ${date.getFullYear()}`;
  const name = day === today ? "Today" : day === yesterday ? "Yesterday" : weekday.format(date);
  return `${name}, ${date.getDate()} ${month.format(date)}${year}`;
}

export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const ms = Date.parse(time.dateTime);
    time.textContent = timeOfDay(ms);
    time.title = full.format(ms);
  }
}

// A moment beside something that is not a message: how long ago, then which day.
export function moment(ms) {
  const minutes = Math.round((Date.now() - ms) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return ago.format(-minutes, "minute");
  if (dayOf(ms) === dayOf(Date.now())) return timeOfDay(ms);
  return dayName(ms);
}

export function localizeMoments(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const ms = Date.parse(time.dateTime);
    time.textContent = moment(ms);
    time.title = full.format(ms);
  }
}
