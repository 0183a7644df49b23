// Block Kit blocks to elements.
//
// A surface is where blocks live (a message, a modal, the Home tab):
//   names    context for mrkdwn (see mrkdwn.js)
//   form     what has been chosen and typed (form.js)
//   errors   {block_id: text} for input blocks
//   act(block, action)        sends block_actions, answers when the app has
//   ask(block, element, text) asks the app for options
//   changed(block_id), submit()   optional

import { h, uid } from "/page/dom.js";
import { drawElement } from "/page/elements.js";
import { textNodes } from "/page/mrkdwn.js";
import { richText } from "/page/richtext.js";

// Once it is drawn, the form holds what an element shows, so that what it was to show at first is no reason to draw it anew.
const apartFromInitial = (key, value) => (key.startsWith("initial_") ? undefined : value);

/** Draw blocks, using again from `cache` (a Map that belongs to the surface) what has not changed. */
export function drawBlocks(blocks, surface, cache = new Map()) {
  const fresh = new Map();
  const nodes = blocks.map((block, index) => {
    const key = block.block_id ?? `#${index}`;
    const face = JSON.stringify([block, surface.errors?.[block.block_id] ?? null], apartFromInitial);
    const kept = cache.get(key);
    const node = kept?.face === face ? kept.node : drawBlock({ ...block, block_id: key }, surface);
    fresh.set(key, { face, node });
    return node;
  });
  cache.clear();
  for (const [key, entry] of fresh) cache.set(key, entry);
  return nodes;
}

const drawBlock = (block, surface) => (KINDS[block.type] ?? unknown)(block, surface);

const unknown = (block) => h("p", { class: "unknown" }, `This page does not draw a ${block.type} block.`);

const plainLabel = (element) => ({ text: element.accessibility_label ?? element.placeholder?.text ?? element.text?.text ?? element.action_id });

const KINDS = {
  header: (block) => h("h2", { class: "b-header" }, block.text.text),

  divider: () => h("hr", { class: "b-divider" }),

  section(block, surface) {
    const id = uid("section");
    const field = { label: block.text ? { id, text: block.text.text } : plainLabel(block.accessory ?? {}), tells: true };
    return h(
      "div",
      { class: "b-section" },
      h("div", { class: "b-body" },
        block.text ? h("div", { class: "text", id }, textNodes(block.text, surface.names)) : null,
        block.fields ? h("div", { class: "b-fields" }, block.fields.map((text) => h("div", { class: "text" }, textNodes(text, surface.names)))) : null),
      block.accessory ? h("div", { class: "b-accessory" }, drawElement(block.accessory, block, surface, field)) : null,
    );
  },

  alert: (block, surface) =>
    h("div", { class: `b-alert ${block.level ?? "default"}`, role: "note" }, h("div", { class: "text" }, textNodes(block.text, surface.names))),

  context: (block, surface) =>
    h("div", { class: "b-context" }, block.elements.map((part) => h("span", { class: "text" }, part.type === "image" ? part.alt_text : textNodes(part, surface.names)))),

  actions: (block, surface) =>
    h("div", { class: "b-actions" }, block.elements.map((element) => drawElement(element, block, surface, { label: plainLabel(element), tells: true }))),

  input(block, surface) {
    const { element } = block;
    const label = { id: uid("label"), text: block.label.text };
    const error = surface.errors?.[block.block_id];
    const hint = block.hint ? h("p", { class: "hint", id: uid("hint") }, block.hint.text) : null;
    const complaint = error ? h("p", { class: "error", id: uid("error") }, error) : null;
    const soft = block.optional ? h("span", { class: "optional", id: uid("optional") }, "(optional)") : null;
    const field = {
      label, invalid: Boolean(error), tells: Boolean(block.dispatch_action), optional: Boolean(block.optional),
      describedBy: [complaint, hint, soft].filter(Boolean).map((node) => node.id).join(" ") || null,
    };
    const drawn = drawElement(element, block, surface, field);
    return h("div", { class: error ? "b-input wrong" : "b-input" }, h("div", { class: "label" }, labelNode(label, drawn), soft), drawn, complaint, hint);
  },

  rich_text: (block, surface) => richText(block, surface.names),

  image: (block) => h("p", { class: "unknown" }, block.alt_text),
};

function labelNode(label, drawn) {
  const control = drawn.matches("input,textarea") ? drawn : drawn.querySelector("input:not([type=checkbox]):not([type=radio])");
  if (!control) return h("span", { id: label.id }, label.text);
  control.id ||= uid("field");
  return h("label", { id: label.id, for: control.id }, label.text);
}
