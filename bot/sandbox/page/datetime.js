// Slack's datetimepicker: one moment, picked on the clock of the person's own zone.

import { h, uid } from "/page/dom.js";
import { fromWall, now, toWall, zoneName } from "/page/time.js";

const SETTLED = 500;

/** Draw a picker for `seconds` (or null). `change(seconds)` comes at once, `done()` when the person has stopped changing it. */
export function dateTimePicker({ seconds, tz, change, done, label, describedBy, invalid, key }) {
  const zone = h("span", { class: "zone", id: uid("zone") });
  const input = h("input", {
    type: "datetime-local", class: "field", max: "9999-12-31T23:59", dataset: { key },
    "aria-describedby": [describedBy, zone.id].filter(Boolean).join(" "), "aria-invalid": invalid ? "true" : null,
    ...(label.id ? { "aria-labelledby": label.id } : { "aria-label": label.text }),
  });
  if (seconds) input.value = toWall(seconds * 1000, tz);
  const say = (chosen) => { zone.textContent = `${tz.replace("_", " ")} (${zoneName(chosen ? chosen * 1000 : now(), tz)})`; };
  say(seconds);
  let timer = null;
  let told = seconds ?? null;
  const settle = () => {
    clearTimeout(timer);
    const chosen = read(input, tz);
    if (chosen === told) return;
    told = chosen;
    done();
  };
  const changed = () => {
    const chosen = read(input, tz);
    say(chosen);
    change(chosen);
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLED);
  };
  input.addEventListener("input", changed);
  input.addEventListener("change", changed);
  input.addEventListener("blur", settle);
  return h("div", { class: "datetime" }, input, zone);
}

const read = (input, tz) => (input.value ? Math.round(fromWall(input.value, tz) / 1000) : null);
