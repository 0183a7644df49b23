// The bar at the top: the simulated clock, who one is, and what else is shown.

import { cloud } from "/page/api.js";
import { h, icon, remember, toast } from "/page/dom.js";
import { KIND } from "/page/face.js";
import { names, store } from "/page/store.js";
import { dayAndTime, now, zoneName } from "/page/time.js";

const parts = {};

/** Build the bar. `become(id)` switches the person, `toggle(panel)` shows or hides cloud or wire, `side()` the conversations, `tour()` starts the tour. */
export function buildTop({ become, toggle, side, tour }) {
  const press = async (body) => {
    const answer = await cloud.clock(body);
    if (answer.ok === false) toast(answer.error);
  };
  parts.clock = h("span", { class: "clock-time" });
  parts.speed = h("span", { class: "clock-speed" });
  parts.pause = h("button", { type: "button", class: "top-button square", on: { click: () => press({ paused: !store.cloud?.paused }) } });
  parts.step = h("button", { type: "button", class: "top-button", id: "step", title: "Jump to the next event in the cloud, and stop there",
    on: { click: () => press({ step: true }) } }, icon("step"), "Step");
  parts.who = h("select", { id: "you-are", on: { change: () => become(parts.who.value) } });
  const panel = (name, face) => h("button", { type: "button", class: "top-button", "aria-pressed": "false", on: { click: () => toggle(name) } }, icon(face), name);
  parts.side = h("button", { type: "button", class: "top-button square", id: "side-toggle", "aria-label": "Conversations", "aria-expanded": "false", title: "Conversations", on: { click: side } }, icon("menu"));
  parts.Cloud = panel("Cloud", "cloud");
  parts.Wire = panel("Wire", "wire");
  parts.theme = h("button", { type: "button", class: "top-button square", on: { click: flipTheme } });
  document.getElementById("top").replaceChildren(
    h("div", { class: "top-left" }, parts.side, h("span", { class: "brand" }, "Sandbox")),
    h("div", { class: "top-clock", role: "group", "aria-label": "Simulated clock" }, parts.clock, parts.speed, parts.pause, parts.step),
    h("div", { class: "top-right" },
      h("label", { for: "you-are" }, "You are"), parts.who, parts.Cloud, parts.Wire,
      h("button", { type: "button", class: "top-button square", "aria-label": "Guided tour", title: "Guided tour", on: { click: tour } }, icon("tour")),
      parts.theme),
  );
  theme(remember.get("theme"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme(remember.get("theme")));
  setInterval(drawClock, 250);
}

/** Fill in the people one can be. */
export function drawPeople() {
  parts.who.replaceChildren(...store.people.map((one) =>
    h("option", { value: one.id }, [one.real_name || one.name, one.title || KIND[one.kind]].filter(Boolean).join(" · "))));
  parts.who.value = store.me;
}

/** Show which panels are open. */
export const drawToggles = (open) => {
  for (const name of ["Cloud", "Wire"]) parts[name].setAttribute("aria-pressed", open.has(name) ? "true" : "false");
};

/** Show whether the conversations are open; the button is there only on narrow pages. */
export const drawSideToggle = (open) => parts.side?.setAttribute("aria-expanded", open ? "true" : "false");

/** Write the simulated time; it also runs by itself. */
export function drawClock() {
  const there = Boolean(store.cloud);
  parts.clock.closest(".top-clock").hidden = !there;
  if (!there) return;
  const { paused, speed } = store.cloud;
  const text = `${dayAndTime(now(), names.tz)} ${zoneName(now(), names.tz)}`;
  if (parts.clock.textContent !== text) parts.clock.textContent = text;
  const pace = paused ? "paused" : speed === 1 ? "real time" : `${speed}× faster`;
  if (parts.speed.textContent !== pace) parts.speed.textContent = pace;
  if (parts.shown === paused) return;
  parts.shown = paused;
  parts.pause.setAttribute("aria-label", paused ? "Let time run" : "Pause time");
  parts.pause.title = paused ? "Let time run" : "Pause time";
  parts.pause.replaceChildren(icon(paused ? "play" : "pause"));
}

const systemDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

function theme(choice) {
  const dark = choice ? choice === "dark" : systemDark();
  if (choice) document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
  const name = dark ? "Light theme" : "Dark theme";
  parts.theme.setAttribute("aria-label", name);
  parts.theme.title = name;
  parts.theme.replaceChildren(icon(dark ? "sun" : "moon"));
}

function flipTheme() {
  const chosen = remember.get("theme") ?? (systemDark() ? "dark" : "light");
  const next = chosen === "dark" ? "light" : "dark";
  remember.set("theme", next);
  theme(next);
}
