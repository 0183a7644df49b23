// The message box: Enter sends, a slash at the very beginning starts a command, and commands are offered.

import { inWords, slack } from "/page/api.js";
import { h, icon, uid } from "/page/dom.js";
import { place, whileMoving } from "/page/popup.js";
import { store } from "/page/store.js";

const drafts = new Map();
// Of a command that reached the app and failed there, Slackbot tells in the conversation.
const SLACKBOT_SAYS = /^(?!sandbox_|http_\d|channel_not_found)\w+$/;

/** Draw a message box for a conversation, or for a thread in it. */
export function composer({ channel, thread = null, label, placeholder }) {
  const list = h("ul", { class: "popup listbox completions", role: "listbox", id: uid("completions"), "aria-label": "Suggestions" });
  const complaint = h("p", { class: "error", role: "alert" });
  const draft = `${store.me} ${channel} ${thread ?? ""}`;
  const box = h("textarea", {
    "aria-label": label, placeholder, rows: "1", autocomplete: "off", "aria-autocomplete": thread ? null : "list",
    value: drafts.get(draft) ?? "",
  });
  const send = h("button", { type: "button", class: "send", "aria-label": thread ? "Send reply" : "Send", on: { click: () => submit() } }, icon("send"));
  const node = h("div", { class: "composer" }, complaint, h("div", { class: "composer-box" }, box, send),
    h("p", { class: "hint" }, thread ? "Commands do not work in threads." : ["Enter sends.", store.workspace.app.command && `Try ${store.workspace.app.command}.`].filter(Boolean).join(" ")));
  let offers = [];
  let active = -1;
  let stop = null;

  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
  };

  const hide = () => {
    list.remove();
    stop?.();
    stop = null;
    active = -1;
    offers = [];
    box.removeAttribute("aria-activedescendant");
    box.removeAttribute("aria-controls");
  };

  const mark = (index) => {
    list.children[active]?.classList.remove("active");
    list.children[active]?.setAttribute("aria-selected", "false");
    active = index;
    const now = list.children[index];
    now?.classList.add("active");
    now?.setAttribute("aria-selected", "true");
    now?.scrollIntoView({ block: "nearest" });
    if (now) box.setAttribute("aria-activedescendant", now.id);
  };

  const take = (offer) => {
    box.value = offer.whole;
    hide();
    box.focus();
    changed();
  };

  const offer = () => {
    hide();
    if (thread) return;
    offers = completions(box.value);
    if (!offers.length) return;
    list.replaceChildren(...offers.map((one) =>
      h("li", { role: "option", id: uid("offer"), "aria-selected": "false", on: { click: () => take(one) } },
        h("span", null, one.text), one.about ? h("small", null, one.about) : null)));
    const anchor = node.querySelector(".composer-box");
    place(list, anchor);
    stop = whileMoving((event) => event.target !== list && place(list, anchor));
    box.setAttribute("aria-controls", list.id);
  };

  const changed = () => {
    drafts.set(draft, box.value);
    complaint.textContent = "";
    grow();
    offer();
  };

  const submit = async () => {
    const text = box.value.trimEnd();
    if (!text.trim()) return;
    const command = /^\/\S/.test(text);
    box.value = "";
    changed();
    const answer = command && thread ? { ok: false, error: "not_in_threads" }
      : command ? await slack.command(store.me, { channel, text })
        : await slack.message(store.me, { channel, text, ...(thread ? { thread_ts: thread } : {}) });
    if (answer.ok) return;
    const name = text.split(/\s/)[0];
    complaint.textContent = answer.error === "not_in_threads" ? `${name} is not supported in threads.`
      : command && SLACKBOT_SAYS.test(answer.error) ? "" : inWords(answer.error);
    if (!box.value && complaint.textContent) box.value = text;
    grow();
  };

  list.addEventListener("mousedown", (event) => event.preventDefault());
  box.addEventListener("input", changed);
  box.addEventListener("blur", hide);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const last = offers.length - 1;
    if (offers.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      mark(event.key === "ArrowDown" ? (active >= last ? 0 : active + 1) : (active <= 0 ? last : active - 1));
    } else if (event.key === "Tab" && offers.length && !event.shiftKey) {
      event.preventDefault();
      take(offers[Math.max(active, 0)]);
    } else if (event.key === "Escape" && offers.length) {
      event.preventDefault();
      hide();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (active >= 0) take(offers[active]);
      else submit();
    }
  });
  requestAnimationFrame(grow);
  return node;
}

/** What Slack offers while one types: commands by their beginning, never their words. */
export function completions(text) {
  const { command, description, usage_hint: usage } = store.workspace.app;
  const offered = command && /^\/\S*$/.test(text) && command.startsWith(text) && text !== command;
  return offered ? [{ text: command, about: usage || description, whole: `${command} ` }] : [];
}
