// Slack's mrkdwn to elements: styles, code, quotes, links, mentions and dates. Nothing becomes markup by accident.

import { h } from "/page/dom.js";
import { dayAndTime, slackDate, zoneName } from "/page/time.js";

const HELD = /\uE000(\d+)\uE001/;
const STYLES =
  /(?<![\p{L}\p{N}*])\*(?=\S)([^*\n]*[^\s*])\*(?![\p{L}\p{N}*])|(?<![\p{L}\p{N}_])_(?=\S)([^_\n]*[^\s_])_(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}~])~(?=\S)([^~\n]*[^\s~])~(?![\p{L}\p{N}~])/u;
const BARE_URL = /https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]'"]/g;

/** The three characters that Slack escapes, read back. */
export const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/**
 * Draw `text`. `context` knows names and places: {tz, me, user(id), channel(id), usergroup(id), open(href)}.
 * With `verbatim`, plain @here, #channel and bare addresses stay plain.
 */
export function mrkdwn(text, context, { verbatim = false } = {}) {
  const out = document.createDocumentFragment();
  const pieces = String(text ?? "").replace(/[\uE000\uE001]/g, "").split(/```([\s\S]+?)```/);
  pieces.forEach((piece, index) => {
    if (index % 2) out.append(h("pre", { class: "code" }, unescape(piece.replace(/^\n|\n$/g, ""))));
    else out.append(...quoted(piece, context, verbatim, { after: index > 0, before: index < pieces.length - 1 }));
  });
  return out;
}

function quoted(text, context, verbatim, { after, before }) {
  const out = [];
  let run = [];
  let quoting = false;
  const flush = () => {
    if (!run.length) return;
    const inside = run.flatMap((line, index) => [index ? "\n" : "", ...inline(line, context, verbatim)]);
    if (quoting) out.push(h("blockquote", null, inside));
    else out.push(...inside);
    run = [];
  };
  const lines = text.split("\n");
  if (after && lines[0] === "") lines.shift();
  if (before && lines.at(-1) === "") lines.pop();
  for (const line of lines) {
    const quote = /^(?:&gt;|>) ?/.exec(line);
    if (Boolean(quote) !== quoting) flush();
    quoting = Boolean(quote);
    run.push(quote ? line.slice(quote[0].length) : line);
  }
  flush();
  return out;
}

function inline(line, context, verbatim) {
  const held = [];
  const hold = (node) => `\uE000${held.push(node) - 1}\uE001`;
  let text = line
    .replace(/`([^`]+)`/g, (_, code) => hold(h("code", null, unescape(code))))
    .replace(/<([^<>]+)>/g, (_, inner, at) => hold(special(inner, context, at === 0)));
  if (!verbatim) {
    text = text
      .replace(BARE_URL, (url) => hold(link(unescape(url), unescape(url), context)))
      .replace(/(?<![\p{L}\p{N}])@(here|channel|everyone)\b/gu, (whole) => hold(mention(whole, true)));
  }
  return styled(text, held);
}

function styled(text, held) {
  const out = [];
  let rest = text;
  for (let found = STYLES.exec(rest); found; found = STYLES.exec(rest)) {
    out.push(...restored(rest.slice(0, found.index), held));
    const tag = found[1] !== undefined ? "strong" : found[2] !== undefined ? "em" : "s";
    out.push(h(tag, null, styled(found[1] ?? found[2] ?? found[3], held)));
    rest = rest.slice(found.index + found[0].length);
  }
  return [...out, ...restored(rest, held)];
}

const restored = (text, held) =>
  text.split(HELD).map((piece, index) => (index % 2 ? held[Number(piece)] : unescape(piece))).filter((piece) => piece !== "");

const mention = (text, strong) => h("span", { class: strong ? "mention mine" : "mention" }, text);

/** `@Roos`, drawn louder when it is the reader. */
export const userMention = (id, context) => mention(`@${context.user(id)}`, id === context.me);
/** `@platform` */
export const groupMention = (id, context, label) => mention(`@${context.usergroup(id) ?? label?.replace(/^@/, "") ?? id}`, false);
/** `@here` */
export const broadcast = (name) => mention(`@${name}`, true);
/** `#upgrades`, which leads there. */
export const channelLink = (id, context, label) =>
  h("a", { class: "mention", href: `#/${context.me}/${id}` }, `#${context.channel(id) ?? (label || "private channel")}`);

/** Whether an address is of a kind that is safe to follow. */
export const safe = (href) => /^(https?:|mailto:)/i.test(href);

/** A link, when its address is of a kind that is safe to follow; else its text. Links into this workspace stay in the page. */
export function link(href, label, context) {
  if (!safe(href)) return h("span", null, label);
  const inside = context.inside?.(href);
  return inside ? h("a", { href: inside }, label) : h("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** A moment in the reader's zone; `template` holds Slack's date tokens. */
export function dateNode(seconds, template, tz, { first = false } = {}) {
  const title = `${dayAndTime(seconds * 1000, tz)} ${zoneName(seconds * 1000, tz)}`;
  return h(
    "time",
    { datetime: new Date(seconds * 1000).toISOString(), title, dataset: { seconds, template, tz, ...(first ? { first } : {}) } },
    slackDate(seconds, template, tz, { first }),
  );
}

/** Write dates anew: what was tomorrow becomes today while the simulated clock runs. */
export function refreshDates(root) {
  for (const node of root.querySelectorAll('time[data-template*="_pretty"], time[data-template*="{ago}"]')) {
    const text = slackDate(Number(node.dataset.seconds), node.dataset.template, node.dataset.tz, { first: "first" in node.dataset });
    if (node.textContent !== text) node.textContent = text;
  }
}

function special(inner, context, first) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? null : unescape(inner.slice(bar + 1));
  if (target.startsWith("@")) return userMention(target.slice(1), context);
  if (target.startsWith("#")) return channelLink(target.slice(1), context, label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), context, label);
  if (target.startsWith("!date^")) {
    const [, seconds, template, href] = target.split("^");
    if (!/^\d+$/.test(seconds) || !template) return h("span", null, label ?? "");
    const node = dateNode(Number(seconds), unescape(template), context.tz, { first });
    return href && safe(href) ? h("a", { href: unescape(href), target: "_blank", rel: "noopener noreferrer" }, node) : node;
  }
  if (/^!(here|channel|everyone)$/.test(target)) return broadcast(target.slice(1));
  if (target.startsWith("!")) return h("span", null, label ?? target);
  return link(unescape(target), label ?? unescape(target).replace(/^mailto:/, ""), context);
}

/** A text object, plain or mrkdwn, as nodes. */
export const textNodes = (object, context) =>
  object.type === "mrkdwn" ? mrkdwn(object.text, context, { verbatim: Boolean(object.verbatim) }) : String(object.text);
