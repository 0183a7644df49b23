// Rich text blocks, as far as an app or the message box sends them.

import { h } from "/page/dom.js";
import { broadcast, channelLink, dateNode, groupMention, link, userMention } from "/page/mrkdwn.js";

/** Draw a rich_text block. */
export const richText = (block, names) => h("div", { class: "text rich" }, block.elements.map((part) => drawPart(part, names)));

function drawPart(part, names) {
  const inside = () => part.elements.map((piece) => (piece.elements ? drawPart(piece, names) : drawPiece(piece, names)));
  switch (part.type) {
    case "rich_text_section": return h("span", null, inside());
    case "rich_text_quote": return h("blockquote", null, inside());
    case "rich_text_preformatted": return h("pre", { class: "code" }, inside());
    case "rich_text_list": return h(part.style === "ordered" ? "ol" : "ul", null, inside().map((item) => h("li", null, item)));
    default: return "";
  }
}

function drawPiece(piece, names) {
  switch (piece.type) {
    case "text": return dressed(piece.text, piece.style);
    case "link": return link(piece.url, piece.text ?? piece.url, names);
    case "user": return userMention(piece.user_id, names);
    case "channel": return channelLink(piece.channel_id, names);
    case "usergroup": return groupMention(piece.usergroup_id, names);
    case "broadcast": return broadcast(piece.range);
    case "date": return dateNode(piece.timestamp, piece.format, names.tz);
    case "emoji": return `:${piece.name}:`;
    default: return "";
  }
}

function dressed(text, style = {}) {
  const tags = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]].filter(([key]) => style[key]);
  return tags.reduce((inner, [, tag]) => h(tag, null, inner), text);
}
