// A stack of dialogs over the page: the top one has the focus and keeps it, those below and the page are inert.

import { h, icon, uid } from "/page/dom.js";

const stack = [];
const FOCUSABLE =
  'a[href],button:not([disabled]),input:not([disabled]),select:not([disabled]),textarea:not([disabled]),[tabindex="0"]';

function settle() {
  away(document.getElementById("app"), stack.length > 0);
  stack.forEach((dialog, index) => {
    const top = index === stack.length - 1;
    away(dialog.shade, !top);
    dialog.shade.classList.toggle("under", !top);
  });
}

function away(node, on) {
  node.inert = on;
  if (on) node.setAttribute("aria-hidden", "true");
  else node.removeAttribute("aria-hidden");
}

/** The controls in a dialog that the Tab key reaches. */
export const focusable = (root) =>
  [...root.querySelectorAll(FOCUSABLE)].filter((node) => node.getClientRects().length && node.tabIndex >= 0);

function keys(event, dialog) {
  if (event.key === "Escape" && !event.defaultPrevented) {
    event.preventDefault();
    dialog.dismiss();
  }
  if (event.key !== "Tab") return;
  const all = focusable(dialog.node);
  const edge = event.shiftKey ? all[0] : all.at(-1);
  if (document.activeElement !== edge && dialog.node.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? all.at(-1) : all[0])?.focus();
}

/**
 * Open a dialog named `title`. `dismiss` runs for Escape, the cross and the shade. The answer has `node`, `body`, `foot`,
 * `name(text)`, `readable(alone)` (reached by keyboard to scroll it when nothing in it is) and `close()`, which gives the focus back.
 */
export function openDialog({ title, dismiss, small = false }) {
  const id = uid("title");
  const before = document.activeElement;
  const heading = h("h1", { id }, title);
  const body = h("div", { class: "dialog-body" });
  const foot = h("div", { class: "dialog-foot" });
  const cross = h("button", { class: "ghost square", type: "button", "aria-label": "Dismiss", on: { click: () => dismiss() } }, icon("close"));
  const node = h(
    "div",
    { class: small ? "dialog small" : "dialog", role: "dialog", "aria-modal": "true", "aria-labelledby": id, tabindex: "-1", "data-popups": true },
    h("div", { class: "dialog-head" }, heading, cross),
    body,
    foot,
  );
  const shade = h("div", { class: "shade" }, node);
  const dialog = { node, body, foot, shade, dismiss };
  shade.addEventListener("keydown", (event) => keys(event, dialog));
  dialog.readable = (alone) => {
    if (!alone) for (const name of ["tabindex", "role", "aria-label"]) body.removeAttribute(name);
    else for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Content"]]) body.setAttribute(name, value);
  };
  dialog.name = (text) => { heading.textContent = text; };
  dialog.close = () => {
    const at = stack.indexOf(dialog);
    if (at < 0) return;
    const hadFocus = shade.contains(document.activeElement) || document.activeElement === document.body;
    stack.splice(at, 1);
    shade.remove();
    settle();
    if (!hadFocus) return;
    const back = stack.at(-1)?.node ?? null;
    if (before?.isConnected && !before.closest("[inert]")) before.focus();
    else (back ?? document.querySelector("#main textarea"))?.focus();
  };
  stack.push(dialog);
  document.getElementById("layer").append(shade);
  settle();
  node.focus();
  return dialog;
}

/** Ask before a button does what it says; Slack's confirm object. Answers true or false. */
export function confirmed(question) {
  if (!question) return Promise.resolve(true);
  return new Promise((answer) => {
    const finish = (yes) => {
      dialog.close();
      answer(yes);
    };
    const dialog = openDialog({ title: question.title.text, dismiss: () => finish(false), small: true });
    dialog.body.append(h("p", null, question.text.text));
    const tone = question.style === "danger" ? "button danger" : "button primary";
    const yes = h("button", { class: tone, type: "button", on: { click: () => finish(true) } }, question.confirm.text);
    dialog.foot.append(h("button", { class: "button", type: "button", on: { click: () => finish(false) } }, question.deny.text), yes);
    yes.focus();
  });
}
