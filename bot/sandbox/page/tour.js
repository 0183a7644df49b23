// The guided tour: five short steps from the command to the reminder. It points, waits, and can be left at any time.

import { h, icon, remember } from "/page/dom.js";
import { store } from "/page/store.js";

const STEPS = [
  {
    title: "Request an upgrade",
    text: () => `${begin()} ${store.workspace.app.command || "the command"} in the message box and press Enter. The bot opens a form.`,
    target: ".composer-box",
    help: ["Type it for me", () => {
      const box = document.querySelector("#main textarea");
      if (!box) return;
      box.value = store.workspace.app.command;
      box.dispatchEvent(new Event("input"));
      box.focus();
    }],
  },
  {
    title: "Fill in the form",
    text: () => `Choose a cluster${store.guide.environment ? ` of ${store.guide.environment}` : ""} and a version. Leave the date empty for the next maintenance window, and press Request.`,
    target: null,
  },
  {
    title: () => (needsApproval() ? "Approve it" : "No approval is needed"),
    text: () => (needsApproval() ? `With You are, become ${store.guide.approver_name || "an approver"}, and press Approve on the card.`
      : "By this policy the upgrade is submitted at once: the card in the channel says so."),
    target: "#you-are",
  },
  {
    title: "Let time pass",
    text: () => "Press Step: the clock jumps to the next thing that happens in the cloud. Before the window, a reminder appears in the channel.",
    target: "#step",
  },
  {
    title: "Now break something",
    text: () => "In the Cloud panel, let the next upgrade fail or take the API down, and see what the bot says. The Wire shows every request.",
    target: "#cloud select[data-tour]",
  },
];

const needsApproval = () => !store.guide.requester || Boolean(store.guide.approver);

/** Who should type the command, and where, when that is somebody or somewhere else. */
function begin() {
  const { requester, requester_name: name, channel, channel_name: place } = store.guide;
  const first = [requester && requester !== store.me ? `become ${name} with You are` : "", channel && channel !== store.place.channel ? `open #${place}` : ""].filter(Boolean).join(" and ");
  return first ? `${first.charAt(0).toUpperCase()}${first.slice(1)}. Then type` : "Type";
}

const at = { step: -1, me: null };

/** Start at the beginning; `again` also when it was seen before. */
export function startTour({ again }) {
  if (!again && remember.get("tour")) return;
  go(0);
}

function go(step) {
  at.step = step;
  at.me = store.me;
  draw();
}

function leave() {
  remember.set("tour", "done");
  at.step = -1;
  draw();
  document.querySelector("#main textarea")?.focus();
}

/** Something happened: "modal", "submitted", "person", "acted" or "reminded". The tour moves on when it waited for that. */
export function tourHears(what) {
  const waits = { 0: "modal", 1: "submitted", 2: "acted", 3: "reminded" }[at.step];
  if (what === "acted" && store.me === at.me) return;
  if (waits === what) go(at.step + 1);
  else if (what === "modal" && at.step === 1) draw();
}

/** Somebody went to another place or became another person: what the step says and points at may be another now. */
export const redrawTour = () => at.step >= 0 && draw();

function draw() {
  const root = document.getElementById("tour");
  document.querySelectorAll(".tour-target").forEach((node) => node.classList.remove("tour-target"));
  root.hidden = at.step < 0;
  if (root.hidden) {
    root.replaceChildren();
    return;
  }
  const step = STEPS[at.step];
  const last = at.step === STEPS.length - 1;
  if (step.target) document.querySelector(step.target)?.classList.add("tour-target");
  const button = (text, run, tone = "button") => h("button", { type: "button", class: tone, on: { click: run } }, text);
  root.replaceChildren(
    h("div", { class: "tour-head" }, h("span", { class: "quiet" }, `Step ${at.step + 1} of ${STEPS.length}`),
      h("button", { type: "button", class: "ghost square", "aria-label": "Leave the tour", on: { click: leave } }, icon("close"))),
    h("h2", null, typeof step.title === "function" ? step.title() : step.title),
    h("p", null, step.text()),
    h("div", { class: "buttons" },
      step.help ? button(step.help[0], step.help[1], "button") : null,
      at.step > 0 ? button("Back", () => go(at.step - 1)) : null,
      last ? button("Done", leave, "button primary") : button("Next", () => go(at.step + 1), "button primary")),
  );
}
