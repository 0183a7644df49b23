// Block Kit's interactive elements: drawn, kept in step with the form, and told to the app when they are used.

import { h, icon, uid } from "/page/dom.js";
import { dateTimePicker } from "/page/datetime.js";
import { confirmed } from "/page/dialogs.js";
import { overflow } from "/page/menu.js";
import { safe, textNodes } from "/page/mrkdwn.js";
import { selectMenu } from "/page/select.js";

const words = (object) => object?.text ?? "";

/** Draw `element`. `surface` is described in blocks.js; `field` is {label, describedBy, invalid, tells, optional}. */
export function drawElement(element, block, surface, field) {
  return (KINDS[element.type] ?? unknown)(element, block, surface, field);
}

const unknown = (element) => h("span", { class: "unknown" }, `This page does not draw ${element.type}.`);

const keyOf = (element, block) => `${block.block_id} ${element.action_id}`;

/** What every kind of field does when it changes: keep it, and tell the app when it listens. */
function keep(element, block, surface, field, change, { tell = true } = {}) {
  surface.form.set(block.block_id, element.action_id, { type: element.type, ...change });
  surface.changed?.(block.block_id);
  if (tell && field.tells) surface.act(block, { type: element.type, action_id: element.action_id, ...change });
}

const current = (element, block, surface) => surface.form.get(block.block_id, element.action_id) ?? {};

const KINDS = {
  button(element, block, surface) {
    const tone = { primary: "button primary", danger: "button danger" }[element.style] ?? "button";
    const action = { type: "button", action_id: element.action_id, text: element.text, ...(element.value === undefined ? {} : { value: element.value }) };
    const props = { class: tone, dataset: { key: keyOf(element, block) }, "aria-label": element.accessibility_label };
    const press = async (event) => {
      const node = event.currentTarget;
      if (!(await confirmed(element.confirm))) return;
      node.classList.add("busy");
      await surface.act(block, action);
      node.classList.remove("busy");
    };
    if (element.url && safe(element.url)) {
      return h("a", { ...props, href: surface.names.inside(element.url) ?? element.url, on: { click: press } }, words(element.text));
    }
    return h("button", { ...props, type: "button", on: { click: press } }, words(element.text));
  },

  static_select: menuElement,
  external_select: menuElement,
  multi_static_select: menuElement,
  multi_external_select: menuElement,

  datetimepicker(element, block, surface, field) {
    return dateTimePicker({
      ...field, seconds: current(element, block, surface).selected_date_time, tz: surface.names.tz, key: keyOf(element, block),
      change: (seconds) => keep(element, block, surface, field, { selected_date_time: seconds }, { tell: false }),
      done: () => keep(element, block, surface, field, { ...current(element, block, surface) }),
    });
  },

  checkboxes(element, block, surface, field) {
    const alone = element.options.length === 1 && field.label.id;
    const boxes = element.options.map((option) => {
      const id = uid("box");
      const agreed = h("label", { for: id, id: uid("agreed") }, textNodes(option.text, surface.names));
      const more = option.description ? h("small", { id: uid("more") }, textNodes(option.description, surface.names)) : null;
      const ticked = (current(element, block, surface).selected_options ?? []).some((one) => one.value === option.value);
      const box = h("input", {
        type: "checkbox", id, checked: ticked, dataset: { key: `${keyOf(element, block)} ${option.value}` },
        "aria-labelledby": alone ? field.label.id : null, "aria-invalid": field.invalid ? "true" : null,
        "aria-describedby": [alone && agreed.id, more?.id, field.describedBy].filter(Boolean).join(" ") || null,
        on: { change: async () => {
          if (await confirmed(element.confirm)) keep(element, block, surface, field, { selected_options: element.options.filter((_, at) => boxes[at].box.checked) });
          else box.checked = !box.checked;
        } },
      });
      return { box, node: h("div", { class: "check" }, box, agreed, more) };
    });
    const group = alone ? {} : { role: "group", ...labelled(field.label) };
    return h("div", { class: "checks", ...group }, boxes.map(({ node }) => node));
  },

  radio_buttons(element, block, surface, field) {
    const name = uid("radio");
    const boxes = new Map();
    const chosenNow = (value) => current(element, block, surface).selected_option?.value === value;
    const rows = element.options.map((option) => {
      const id = uid("radio");
      const more = option.description ? h("small", { id: uid("more") }, textNodes(option.description, surface.names)) : null;
      const box = h("input", {
        type: "radio", id, name, checked: chosenNow(option.value), dataset: { key: `${keyOf(element, block)} ${option.value}` }, "aria-describedby": more?.id,
        on: { change: async () => {
          if (await confirmed(element.confirm)) keep(element, block, surface, field, { selected_option: option });
          else for (const [value, other] of boxes) other.checked = chosenNow(value);
        } },
      });
      boxes.set(option.value, box);
      return h("div", { class: "check" }, box, h("label", { for: id }, textNodes(option.text, surface.names)), more);
    });
    const described = { "aria-describedby": field.describedBy, "aria-invalid": field.invalid ? "true" : null };
    return h("div", { class: "checks", role: "radiogroup", ...labelled(field.label), ...described }, rows);
  },

  plain_text_input: textInput,
  number_input: textInput,

  overflow(element, block, surface) {
    const act = async (option) => {
      if (await confirmed(element.confirm)) await surface.act(block, { type: "overflow", action_id: element.action_id, selected_option: option });
    };
    const items = element.options.map((option) => ({ text: words(option.text), run: () => act(option) }));
    return overflow("More", icon("more"), items, keyOf(element, block));
  },
};

const labelled = (label) => (label.id ? { "aria-labelledby": label.id } : { "aria-label": label.text });

function textInput(element, block, surface, field) {
  const on = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  let timer = null;
  const store = (value) => keep(element, block, surface, field, { value: value || null }, { tell: false });
  const tell = () => {
    clearTimeout(timer);
    if (field.tells) surface.act(block, { type: element.type, action_id: element.action_id, value: node.value || null });
  };
  const number = element.type === "number_input" && { type: "number", min: element.min_value, max: element.max_value, step: element.is_decimal_allowed ? "any" : "1" };
  const node = h(element.multiline ? "textarea" : "input", {
    class: "field", ...(element.multiline ? { rows: "3" } : number || { type: "text" }), maxlength: element.max_length, autocomplete: "off",
    placeholder: words(element.placeholder), dataset: { key: keyOf(element, block) }, "aria-describedby": field.describedBy,
    "aria-invalid": field.invalid ? "true" : null, ...labelled(field.label), value: current(element, block, surface).value ?? "",
    on: {
      input: () => {
        store(node.value);
        clearTimeout(timer);
        if (on.includes("on_character_entered")) timer = setTimeout(tell, 300);
      },
      keydown: (event) => {
        if (event.key !== "Enter" || element.multiline || event.isComposing) return;
        event.preventDefault();
        if (on.includes("on_enter_pressed") && field.tells) tell();
        else surface.submit?.();
      },
    },
  });
  return node;
}

function menuElement(element, block, surface, field) {
  const several = element.type.startsWith("multi_");
  const state = current(element, block, surface);
  return selectMenu({
    ...field, element, several, chosen: several ? state.selected_options ?? [] : state.selected_option ?? null, key: keyOf(element, block), clearable: field.optional,
    ask: (text) => surface.ask(block, element, text),
    pick: async (chosen) => {
      if (!(await confirmed(element.confirm))) return false;
      keep(element, block, surface, field, several ? { selected_options: chosen } : { selected_option: chosen });
      return true;
    },
  });
}
