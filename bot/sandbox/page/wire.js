// The wire: every delivery to the bot and every call it makes to Slack and to the cloud, newest first.

import { wire } from "/page/api.js";
import { h, icon, reconcile, uid } from "/page/dom.js";
import { channelOf, nameOf, names } from "/page/store.js";
import { clockTime } from "/page/time.js";

const KEPT = 1000;
const WAYS = { to_bot: ["in", "to the bot"], from_bot: ["out", "from the bot"], to_cloud: ["cloud", "to the cloud"] };
const BUDGET = 3000;
const parts = {};
const entries = new Map();
let stop = null;
let due = false;

/** Build the view once. */
export function buildWire() {
  parts.only = h("select", { id: uid("wire"), on: { change: draw } },
    [["news", "All but routine reads of the cloud"], ["", "Everything"], ["to_bot", "To the bot"], ["from_bot", "From the bot to Slack"], ["to_cloud", "From the bot to the cloud"], ["wrong", "What went wrong"]].map(([value, text]) => h("option", { value }, text)));
  parts.find = h("input", { type: "search", class: "field short", id: uid("wire"), on: { input: draw } });
  parts.body = h("tbody");
  parts.none = h("p", { class: "empty" }, "Nothing yet. Type the command, and its way to the bot and back appears here.");
  document.getElementById("wire").replaceChildren(
    h("div", { class: "pane-head" }, h("h2", null, "Wire"), h("p", { class: "quiet" }, "Between Slack, the bot and the cloud, without secrets"),
      h("div", { class: "wire-tools" }, h("label", { for: parts.only.id }, "Show"), parts.only, h("label", { for: parts.find.id }, "Find"), parts.find)),
    h("div", { class: "wire-scroll", tabindex: "0", role: "region", "aria-label": "Wire entries" },
      h("table", null,
        h("thead", null, h("tr", null, ["Details", "Time", "Direction", "Kind", "Name", "Who", "Answered in", "Status"].map((text) =>
          h("th", { scope: "col" }, text === "Details" ? h("span", { class: "hidden" }, text) : text)))),
        parts.body),
      parts.none),
  );
}

/** Follow the wire while it is shown. */
export function showWire(on) {
  if (on === Boolean(stop)) return;
  if (!on) {
    stop();
    stop = null;
    return;
  }
  stop = wire.events({ open: load, message: take });
}

async function load() {
  const { entries: all } = await wire.read();
  if (!all) return;
  entries.clear();
  for (const entry of all.slice(-KEPT)) entries.set(entry.id, { entry });
  draw();
}

function take(entry) {
  if (!entry?.id) return;
  entries.set(entry.id, { ...entries.get(entry.id), entry, face: null });
  for (const id of entries.keys()) {
    if (entries.size <= KEPT) break;
    entries.delete(id);
  }
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    draw();
  });
}

const wrong = ({ ok, ms, direction }) => ok === false || (direction === "to_bot" && ms > BUDGET);

const routine = ({ direction, ok, name }) => direction === "to_cloud" && ok && name.startsWith("GET ");

function wanted(entry) {
  if (parts.only.value === "news") {
    if (routine(entry)) return false;
  } else if (parts.only.value === "wrong" ? !wrong(entry) : parts.only.value && entry.direction !== parts.only.value) return false;
  const words = parts.find.value.trim().toLowerCase();
  return !words || JSON.stringify(entry).toLowerCase().includes(words);
}

function draw() {
  const shown = [...entries.values()].filter(({ entry }) => wanted(entry)).reverse();
  parts.none.hidden = shown.length > 0;
  reconcile(parts.body, shown.flatMap((row) => nodesOf(row)));
}

function nodesOf(row) {
  if (!row.node || row.face !== names.tz) {
    row.face = names.tz;
    row.node = line(row);
    if (row.details) row.details = details(row);
  }
  return row.details ? [row.node, row.details] : [row.node];
}

const whoOf = (who) => (!who ? "" : channelOf(who) ? `#${channelOf(who).name}` : nameOf(who));

function line(row) {
  const { entry } = row;
  const inward = entry.direction === "to_bot";
  const opener = h("button", { type: "button", class: "ghost square opener", "aria-expanded": row.details ? "true" : "false", "aria-label": `Details of ${entry.name}`,
    on: { click: () => {
      row.details = row.details ? null : details(row);
      opener.setAttribute("aria-expanded", row.details ? "true" : "false");
      draw();
    } } }, icon("right"));
  const at = Date.parse(entry.at);
  const time = Number.isNaN(at) ? String(entry.at) : `${clockTime(at, names.tz)}:${String(new Date(at).getUTCSeconds()).padStart(2, "0")}`;
  const took = entry.ms === null || entry.ms === undefined ? "" : `${Math.round(entry.ms)} ms`;
  return h("tr", { class: wrong(entry) ? "bad" : "" },
    h("td", null, opener), h("td", { class: "num" }, time),
    h("td", null, h("span", { class: `way ${WAYS[entry.direction][0]}` }, WAYS[entry.direction][1])),
    h("td", null, entry.kind.replaceAll("_", " ")), h("td", { class: "name" }, entry.name), h("td", null, whoOf(entry.who)),
    h("td", { class: entry.ms > BUDGET * 0.8 && inward ? "num late" : "num" }, took),
    h("td", null, [entry.status, entry.error].filter(Boolean).join(" ")));
}

function details({ entry }) {
  const part = (title, value) => h("div", null, h("h3", null, title), h("pre", { class: "code", tabindex: "0" }, JSON.stringify(value ?? null, null, 2)));
  return h("tr", { class: "details" }, h("td", { colspan: "8" }, h("p", { class: "quiet" }, `Over ${entry.transport === "socket" ? "the socket (Socket Mode)" : "HTTP"}, at ${entry.at}.`),
    h("div", { class: "pair" }, part("Request", entry.request), part("Response", entry.response))));
}
