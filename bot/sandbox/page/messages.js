// A list of messages, in a conversation or in a thread: drawn once, changed in place, quick with many.

import { inWords, slack } from "/page/api.js";
import { drawBlocks } from "/page/blocks.js";
import { h, icon, reconcile, toast } from "/page/dom.js";
import { avatar } from "/page/face.js";
import { Form } from "/page/form.js";
import { dateNode, mrkdwn } from "/page/mrkdwn.js";
import { isBot, nameOf, names, store } from "/page/store.js";
import { tourHears } from "/page/tour.js";
import { clockTime, dayAndTime, dayKey, dayTitle } from "/page/time.js";

const GROUP_SECONDS = 300;
const millis = (ts) => Number(ts) * 1000;

/** One message on the page. */
class Row {
  constructor(message, channel, openThread) {
    this.openThread = openThread;
    this.day = dayKey(millis(message.ts), names.tz);
    this.cache = new Map();
    this.surface = {
      names, form: new Form(), errors: {},
      act: (block, action) => this.act(channel, block, action),
      ask: async () => ({ ok: false, error: "not_in_messages" }),
    };
    const when = dayAndTime(millis(message.ts), names.tz);
    const short = h("time", { title: when, datetime: new Date(millis(message.ts)).toISOString() }, clockTime(millis(message.ts), names.tz));
    this.body = h("div", { class: "m-body" });
    this.foot = h("div", { class: "m-foot" });
    this.node = h(
      "article",
      { class: "message", "aria-label": `${nameOf(message.user)}, ${clockTime(millis(message.ts), names.tz)}`, tabindex: "-1", dataset: { ts: message.ts } },
      message.ephemeral ? h("p", { class: "private" }, icon("eye"), "Only visible to you") : null,
      avatar(message.user),
      h("div", { class: "m-head" }, h("strong", null, nameOf(message.user)), isBot(message.user) ? h("span", { class: "badge" }, "APP") : null, short),
      this.body,
      this.foot,
      openThread ? h("div", { class: "m-tools" }, h("button", { type: "button", class: "ghost square", "aria-label": "Reply in thread", title: "Reply in thread", on: { click: () => openThread(message.ts) } }, icon("reply"))) : null,
    );
    this.update(message);
  }

  update(message) {
    const face = JSON.stringify(message);
    if (face === this.face) return;
    this.face = face;
    this.message = message;
    const focused = this.body.contains(document.activeElement);
    this.node.classList.toggle("ephemeral", Boolean(message.ephemeral));
    const edited = message.edited ? h("span", { class: "edited" }, "(edited)") : null;
    if (message.blocks?.length) {
      this.surface.form.adopt(message.blocks);
      reconcile(this.body, [...drawBlocks(message.blocks, this.surface, this.cache), ...(edited ? [edited] : [])]);
    } else {
      this.cache.clear();
      const options = { verbatim: isBot(message.user) && message.parse !== "full" && !message.link_names };
      this.body.replaceChildren(h("div", { class: "text" }, mrkdwn(message.text, names, options), edited ? [" ", edited] : null));
    }
    if (focused && !this.body.contains(document.activeElement)) this.node.focus();
    this.#replies(message);
  }

  #replies({ ts, reply_count: count, latest_reply: latest }) {
    const worth = count && this.openThread;
    const words = `${count} ${count === 1 ? "reply" : "replies"}`;
    const last = latest ? h("span", { class: "quiet" }, ["Last reply ", dateNode(Math.floor(Number(latest)), "{date_short_pretty} at {time}", names.tz)]) : null;
    this.foot.replaceChildren(...(worth ? [h("button", { type: "button", class: "link", on: { click: () => this.openThread(ts) } }, words), last].filter(Boolean) : []));
  }

  async act(channel, block, action) {
    const container = { type: "message", channel, ts: this.message.ts };
    const answer = await slack.action(store.me, { container, block_id: block.block_id, action, state: { values: this.surface.form.values } });
    if (answer.ok) tourHears("acted");
    else toast(inWords(answer.error));
  }
}

/** Messages in order, drawn into `root`. */
export class Feed {
  constructor({ root, channel, openThread = null, older = null, empty = "Nothing has been said here yet." }) {
    Object.assign(this, { root, channel, openThread, older, empty });
    this.rows = new Map();
    this.marks = new Map();
    this.newAfter = null;
    this.more = false;
  }

  /** Show exactly these messages. */
  set(messages, more = false) {
    const wanted = new Set(messages.map(({ ts }) => ts));
    for (const ts of this.rows.keys()) if (!wanted.has(ts)) this.rows.delete(ts);
    this.more = more;
    this.add(messages);
  }

  /** Show these too, changed or new. */
  add(messages) {
    for (const message of messages) {
      const row = this.rows.get(message.ts);
      if (row) row.update(message);
      else this.rows.set(message.ts, new Row(message, this.channel, this.openThread));
    }
    this.draw();
  }

  remove(ts) {
    if (this.rows.delete(ts)) this.draw();
  }

  get(ts) {
    return this.rows.get(ts)?.message;
  }

  latest() {
    return [...this.rows.values()].map(({ message }) => message).filter(({ ephemeral }) => !ephemeral).map(({ ts }) => ts).sort().at(-1);
  }

  draw() {
    const rows = [...this.rows.values()].sort((a, b) => (a.message.ts < b.message.ts ? -1 : 1));
    const nodes = [];
    if (this.more && this.older) nodes.push(this.#mark("older", () => h("button", { type: "button", class: "button older", on: { click: this.older } }, "Show older messages")));
    if (!rows.length) nodes.push(this.#mark("empty", () => h("p", { class: "empty" }, this.empty)));
    let before = null;
    let day = null;
    let fresh = this.newAfter !== null;
    for (const row of rows) {
      const { message } = row;
      const newDay = row.day !== day;
      day = row.day;
      const title = newDay ? dayTitle(millis(message.ts), names.tz) : "";
      if (newDay) nodes.push(this.#mark(`${day} ${title}`, () => h("div", { class: "day" }, h("span", null, title))));
      const firstNew = fresh && message.ts > this.newAfter && message.user !== store.me;
      if (firstNew) nodes.push(this.#mark("new", () => h("div", { class: "new" }, h("span", null, "New"))));
      if (firstNew) fresh = false;
      const follows = before && !newDay && !firstNew && before.user === message.user && !before.ephemeral && !message.ephemeral
        && Number(message.ts) - Number(before.ts) < GROUP_SECONDS && !before.reply_count;
      row.node.classList.toggle("compact", Boolean(follows));
      nodes.push(row.node);
      before = message;
    }
    reconcile(this.root, nodes);
  }

  #mark(key, make) {
    if (!this.marks.has(key)) this.marks.set(key, make());
    return this.marks.get(key);
  }
}
