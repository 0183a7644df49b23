// Time: the simulated clock as this page knows it, and dates as Slack writes them in a person's zone.

const anchor = { at: Date.now(), real: Date.now(), speed: 1 };

/** Tell this page what the simulated time is and how fast it runs (0 when paused). */
export function setClock(iso, speed) {
  anchor.at = Date.parse(iso);
  anchor.real = Date.now();
  anchor.speed = speed;
}

/** The simulated time now, in milliseconds. */
export const now = () => anchor.at + (Date.now() - anchor.real) * anchor.speed;

const formats = new Map();

function format(tz, options) {
  const key = tz + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: tz, ...options }));
  return formats.get(key);
}

function parts(ms, tz) {
  const wanted = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const found = {};
  for (const { type, value } of format(tz, wanted).formatToParts(ms)) found[type] = value;
  return found;
}

/** Milliseconds to the text of a datetime-local input in `tz`. */
export function toWall(ms, tz) {
  const p = parts(ms, tz);
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
}

/** The text of a datetime-local input, meant in `tz`, to milliseconds. A time that a clock change skips moves on by the gap. */
export function fromWall(text, tz) {
  const asUtc = Date.parse(`${text.slice(0, 16)}:00Z`);
  const offset = (ms) => Date.parse(`${toWall(ms, tz)}:00Z`) - Math.floor(ms / 60000) * 60000;
  const first = asUtc - offset(asUtc);
  return asUtc - offset(first);
}

/** "14:05" */
export const clockTime = (ms, tz) => format(tz, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);

/** "Mon 23 Nov 2026, 14:05" */
export const dayAndTime = (ms, tz) =>
  `${format(tz, { weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(ms).replace(",", "")}, ${clockTime(ms, tz)}`;

/** "Mon 23 Nov, 14:05" */
export const shortDayAndTime = (ms, tz) =>
  `${format(tz, { weekday: "short", day: "numeric", month: "short" }).format(ms).replace(",", "")}, ${clockTime(ms, tz)}`;

/** "CET": what people call the zone at that moment; each English knows the names of its own corner of the world. */
export function zoneName(ms, tz) {
  const found = ["en-GB", "en-US", "en-AU", "en-IN"].map((english) => zoneIn(english, ms, tz));
  return found.find((name) => !/^(GMT|UTC)[+-]/.test(name)) ?? found[0];
}

function zoneIn(english, ms, tz) {
  const key = `${english} ${tz}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(english, { timeZone: tz, timeZoneName: "short" }));
  return formats.get(key).formatToParts(ms).find((part) => part.type === "timeZoneName").value;
}

/** A key that is the same for all moments of one day in `tz`. */
export const dayKey = (ms, tz) => toWall(ms, tz).slice(0, 10);

/** "Today", "Yesterday", or "Monday, November 23rd". */
export function dayTitle(ms, tz) {
  return relative(ms, tz, true) ?? `${format(tz, { weekday: "long" }).format(ms)}, ${longDate(ms, tz).replace(/, \d+$/, "")}`;
}

function relative(ms, tz, capital) {
  const days = Math.round((Date.parse(dayKey(ms, tz)) - Date.parse(dayKey(now(), tz))) / 86400000);
  const word = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
  return word && capital ? word[0].toUpperCase() + word.slice(1) : word;
}

function longDate(ms, tz) {
  const p = parts(ms, tz);
  const day = Number(p.day);
  const tail = day % 100 > 10 && day % 100 < 14 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[day % 10] ?? "th";
  return `${format(tz, { month: "long" }).format(ms)} ${day}${tail}, ${p.year}`;
}

function ago(ms) {
  const minutes = Math.round((ms - now()) / 60000);
  const [size, unit] = Math.abs(minutes) < 60 ? [minutes, "minute"]
    : Math.abs(minutes) < 1440 ? [Math.round(minutes / 60), "hour"] : [Math.round(minutes / 1440), "day"];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(size, unit);
}

/** Fill in Slack's date tokens for `seconds` in `tz`; the words today and tomorrow follow the simulated clock. */
export function slackDate(seconds, template, tz, { first = false } = {}) {
  const ms = seconds * 1000;
  const short = () => `${format(tz, { month: "short" }).format(ms)} ${Number(parts(ms, tz).day)}, ${parts(ms, tz).year}`;
  const long = () => `${format(tz, { weekday: "long" }).format(ms)}, ${longDate(ms, tz)}`;
  const say = {
    date_num: () => dayKey(ms, tz),
    date: () => longDate(ms, tz),
    date_short: short,
    date_long: long,
    date_pretty: () => relative(ms, tz) ?? longDate(ms, tz),
    date_short_pretty: () => relative(ms, tz) ?? short(),
    date_long_pretty: () => relative(ms, tz) ?? long(),
    time: () => clockTime(ms, tz),
    time_secs: () => `${clockTime(ms, tz)}:${parts(ms, tz).second}`,
    ago: () => ago(ms),
  };
  const text = template.replace(/\{(\w+)\}/g, (whole, token) => say[token]?.() ?? whole);
  return first ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
