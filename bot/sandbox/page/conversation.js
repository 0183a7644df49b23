// The middle pane: one conversation with its messages and message box, or the app's Home tab.

import { slack } from "/page/api.js";
import { composer } from "/page/composer.js";
import { h, icon } from "/page/dom.js";
import { drawHome } from "/page/home.js";
import { Feed } from "/page/messages.js";
import { appDm, channelOf, dmOf, hrefTo, nameOf, readPlace, store } from "/page/store.js";

const open = { channel: null, feed: null, scroller: null, waiting: null };

/** Show the place that store.place names. */
export function showConversation() {
  const { channel } = store.place;
  const root = document.getElementById("main");
  open.channel = channel;
  open.waiting = null;
  open.feed = null;
  if (channel === "home") {
    const view = h("div", { class: "home", tabindex: "0", role: "tabpanel", "aria-label": "Home" });
    root.replaceChildren(heading(), view);
    drawHome(view);
    return;
  }
  const list = h("div", { class: "feed", role: "log", "aria-label": "What was said" });
  open.scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Conversation" }, list);
  open.feed = new Feed({ root: list, channel, openThread: (ts) => { location.hash = hrefTo(channel, ts); }, older: () => loadOlder(channel), empty: emptyWords() });
  const place = channelOf(channel);
  const closed = place?.archived ? "This channel is archived." : place && !place.member ? "You are not in this channel. You can read it." : null;
  root.replaceChildren(heading(), open.scroller, closed ? h("p", { class: "closed" }, closed) : composer({ channel, label: "Message", placeholder: `Message ${title()}` }));
  if (appDm()?.id === channel) slack.openHome(store.me, "messages");
  loadConversation();
}

/** Clear the pane, so that nothing is read or typed there as somebody else. */
export function leaveConversation() {
  Object.assign(open, { channel: null, feed: null, waiting: null });
  document.getElementById("main").replaceChildren();
}

const title = () => {
  const channel = channelOf(open.channel);
  const dm = dmOf(open.channel);
  return channel ? `#${channel.name}` : dm ? nameOf(dm.user) : open.channel === "home" ? store.workspace.app.name : "this conversation";
};

const emptyWords = () => (dmOf(open.channel) ? "What the two of you say stays between you." : "Nothing has been said here yet.");

function heading() {
  const { app } = store.workspace;
  const channel = channelOf(open.channel);
  const dm = appDm();
  const isApp = open.channel === "home" || dm?.id === open.channel;
  const name = h("h1", null, channel ? icon(channel.private ? "lock" : "hash") : null, isApp ? app.name : channel ? channel.name : title());
  const about = isApp ? app.description : channel?.topic || (channel?.shared && "Shared with another organisation");
  const tab = (text, href, on) => h("a", { role: "tab", "aria-selected": on ? "true" : "false", href }, text);
  const tabs = isApp
    ? h("div", { class: "tabs", role: "tablist", "aria-label": app.name }, tab("Home", hrefTo("home"), open.channel === "home"),
      dm ? tab("Messages", hrefTo(dm.id), open.channel === dm.id) : null)
    : null;
  return h("div", { class: "pane-head" }, name, about ? h("p", { class: "quiet" }, about) : null, tabs);
}

/** Read the open conversation anew. */
export async function loadConversation() {
  const { channel, feed } = open;
  if (!feed) return;
  open.waiting = [];
  const answer = await slack.conversation(store.me, channel);
  if (open.feed !== feed) return;
  const events = open.waiting ?? [];
  open.waiting = null;
  if (!answer.messages) return;
  const unread = channelOf(channel)?.unread ?? dmOf(channel)?.unread ?? 0;
  if (unread && feed.newAfter === null) {
    const others = answer.messages.filter(({ ephemeral, user }) => !ephemeral && user !== store.me);
    const last = others.at(-unread - 1);
    feed.newAfter = last?.ts ?? "0";
  }
  feed.set(inChannel(answer.messages), answer.more);
  events.forEach(hearMessage);
  seen();
  await pointAt(readPlace().point);
}

const inChannel = (messages) => messages.filter((message) => belongs(message));
const belongs = ({ ts, thread_ts: parent, subtype }) => !parent || parent === ts || subtype === "thread_broadcast";

async function loadOlder(channel) {
  const { feed } = open;
  const oldest = [...feed.rows.keys()].sort()[0];
  const answer = await slack.conversation(store.me, channel, oldest);
  if (open.feed !== feed || !answer.messages) return;
  feed.more = answer.more;
  feed.add(inChannel(answer.messages));
  feed.rows.get(oldest)?.node.scrollIntoView({ block: "start" });
}

/** Bring a message of the open conversation into view, reading older ones if need be. */
export async function pointAt(ts) {
  const { channel, feed } = open;
  if (!ts || !feed) return;
  for (let page = 0; page < 20 && feed.more && !feed.rows.has(ts); page += 1) await loadOlder(channel);
  const row = open.feed === feed && feed.rows.get(ts);
  if (!row) return;
  row.node.scrollIntoView({ block: "center" });
  row.node.classList.add("pointed");
  setTimeout(() => row.node.classList.remove("pointed"), 2500);
}

/**
 * Take an event about a message; answers true when it is in the open conversation. What comes while the conversation is
 * being read waits, because it may be newer than what is read.
 */
export function hearMessage(event) {
  if (event.channel !== open.channel || !open.feed) return false;
  const { feed, scroller, waiting } = open;
  if (waiting) {
    waiting.push(event);
    return true;
  }
  if (event.type === "message_deleted") feed.remove(event.ts);
  else if (belongs(event.message)) {
    if (event.type === "message_changed" && !feed.get(event.message.ts)) return true;
    feed.add([event.message]);
    if (event.type === "message" && (event.message.ephemeral || event.message.user === store.me)) scroller.scrollTop = 0;
    if (event.type === "message") {
      clearTimeout(reading);
      reading = setTimeout(() => open.feed === feed && seen(), 250);
    }
  }
  return true;
}

/** Draw the open conversation again: another day has begun. */
export const redrawConversation = () => open.feed?.draw();

let reading = null;

function seen() {
  const { channel, feed } = open;
  const ts = feed.latest();
  if (ts && !document.hidden) slack.read(store.me, channel, ts);
}
