// The side pane that holds one thread.

import { slack } from "/page/api.js";
import { composer } from "/page/composer.js";
import { h, icon } from "/page/dom.js";
import { Feed } from "/page/messages.js";
import { channelOf, hrefTo, nameOf, store, dmOf } from "/page/store.js";

const open = { channel: null, ts: null, feed: null, waiting: null };

/** Show the thread that store.place names, or none. */
export function showThread() {
  const { channel, thread } = store.place;
  const pane = document.getElementById("thread");
  const had = open.ts;
  Object.assign(open, { channel, ts: thread, feed: null, waiting: null });
  pane.hidden = !thread;
  document.body.classList.toggle("with-thread", Boolean(thread));
  if (!thread) {
    pane.replaceChildren();
    if (had) document.querySelector(`#main [data-ts="${had}"]`)?.focus();
    return;
  }
  const where = channelOf(channel) ? `#${channelOf(channel).name}` : nameOf(dmOf(channel)?.user ?? channel);
  const list = h("div", { class: "feed", role: "log", "aria-label": "What was answered" });
  open.feed = new Feed({ root: list, channel });
  const close = h("button", { type: "button", class: "ghost square", "aria-label": "Close thread", on: { click: () => { location.hash = hrefTo(channel); } } }, icon("close"));
  pane.replaceChildren(
    h("div", { class: "pane-head" }, h("h2", null, "Thread"), h("p", { class: "quiet" }, where), close),
    h("div", { class: "scroller down", tabindex: "0", role: "region", "aria-label": "Thread" }, list),
    composer({ channel, thread, label: "Reply", placeholder: "Reply" }),
  );
  pane.onkeydown = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close.click();
  };
  close.focus();
  loadThread();
}

/** Read the open thread anew. */
export async function loadThread() {
  const { channel, ts, feed } = open;
  if (!feed) return;
  open.waiting = [];
  const answer = await slack.thread(store.me, channel, ts);
  if (open.feed !== feed) return;
  const events = open.waiting ?? [];
  open.waiting = null;
  const opening = !feed.rows.size;
  if (answer.messages) feed.set(answer.messages);
  events.forEach(hearThread);
  if (opening) feed.root.lastChild?.scrollIntoView({ block: "nearest" });
}

/** Draw the open thread again: another day has begun. */
export const redrawThread = () => open.feed?.draw();

/** Take an event about a message. */
export function hearThread(event) {
  if (!open.feed || event.channel !== open.channel) return;
  if (open.waiting) open.waiting.push(event);
  else if (event.type === "message_deleted") open.feed.remove(event.ts);
  else if (event.message.ts === open.ts || event.message.thread_ts === open.ts) {
    open.feed.add([event.message]);
    if (event.type === "message") open.feed.root.lastChild.scrollIntoView({ block: "nearest" });
  }
}
