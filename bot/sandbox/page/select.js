// Slack's select menus as an ARIA combobox with a listbox: searchable, grouped, or asking the app while one types.

import { h, icon, uid } from "/page/dom.js";
import { place, whileMoving } from "/page/popup.js";

const TYPING_PAUSE = 150;

/**
 * Draw a static or external select, for one option or for several.
 * `chosen` is the selected option or null, or a list when `several`; `pick(chosen)` is told and answers whether it holds; `ask(text)` resolves to options or option_groups;
 * `label` is {id} of the label or {text}; `describedBy` and `invalid` carry hint and error.
 */
export function selectMenu({ element, chosen, several = false, pick, ask, label, describedBy, invalid, clearable, key }) {
  const list = h("ul", { role: "listbox", class: "popup listbox", id: uid("list"), "aria-label": "Options", "aria-multiselectable": several ? "true" : null });
  const input = h("input", {
    type: "text", role: "combobox", class: "combo-input", autocomplete: "off", spellcheck: "false",
    "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list", "aria-haspopup": "listbox", ...named(label),
    placeholder: element.placeholder?.text ?? "Choose an option", "aria-describedby": describedBy, "aria-invalid": invalid ? "true" : null,
    dataset: { key },
  });
  const clear = h("button", { type: "button", class: "ghost clear", "aria-label": "Clear" }, icon("close"));
  const box = h("div", { class: "combo" }, input, clearable && !several ? clear : null, icon("chevron"));
  const chips = h("ul", { class: "chips", "aria-label": "Chosen" });
  const menu = new Menu({ element, chosen, several, pick, ask, input, list, clear, box, chips });
  menu.show();
  return several ? h("div", { class: "several" }, chips, box) : box;
}

const named = (label) => (label.id ? { "aria-labelledby": label.id } : { "aria-label": label.text });

class Menu {
  constructor(given) {
    Object.assign(this, given);
    this.active = -1;
    this.options = [];
    this.asked = 0;
    const { input, list, clear } = this;
    input.addEventListener("click", () => this.open(""));
    input.addEventListener("input", () => this.open(input.value));
    input.addEventListener("keydown", (event) => this.keys(event));
    input.addEventListener("blur", () => this.shut());
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => this.choose(event.target.closest("[role=option]")));
    clear.addEventListener("click", () => {
      this.take(null);
      input.focus();
    });
  }

  get expanded() {
    return this.input.getAttribute("aria-expanded") === "true";
  }

  show() {
    if (this.several) {
      this.input.value = "";
      if (this.drawn === this.chosen) return;
      this.drawn = this.chosen;
      this.chips.hidden = !this.chosen.length;
      this.chips.replaceChildren(...this.chosen.map((option) => this.chip(option)));
      return;
    }
    this.input.value = this.chosen?.text.text ?? "";
    this.clear.hidden = !this.chosen;
  }

  chip(option) {
    const remove = () => {
      this.toggle(option);
      this.input.focus();
    };
    return h("li", { class: "chip" }, h("span", null, option.text.text),
      h("button", { type: "button", class: "ghost", "aria-label": `Remove ${option.text.text}`, on: { click: remove } }, icon("close")));
  }

  isChosen(option) {
    return this.several ? this.chosen.some(({ value }) => value === option.value) : option.value === this.chosen?.value;
  }

  open(text) {
    this.typed = text.trim() !== "";
    this.hasty = false;
    if (!this.expanded) {
      this.input.setAttribute("aria-expanded", "true");
      this.unfollow = whileMoving((event) => event.target !== this.list && place(this.list, this.box));
      if (text === "") this.input.select();
    }
    if (this.element.type.endsWith("external_select")) this.search(text);
    else this.fill(matching(this.element, text));
  }

  search(text) {
    const least = this.element.min_query_length ?? 3;
    clearTimeout(this.timer);
    if (text.trim().length < least) {
      this.note(`Type at least ${least} character${least === 1 ? "" : "s"} to search`);
      return;
    }
    const turn = ++this.asked;
    this.note("Searching");
    this.timer = setTimeout(async () => {
      const answer = await this.ask(text);
      if (turn !== this.asked || !this.expanded) return;
      if (answer.ok) this.fill(grouped(answer));
      else this.note(`The app gave no answer (${answer.error})`);
    }, text ? TYPING_PAUSE : 0);
  }

  note(text) {
    this.options = [];
    this.list.replaceChildren(h("li", { class: "note", role: "option", "aria-disabled": "true", "aria-selected": "false" }, text));
    this.mark(-1);
    place(this.list, this.box);
  }

  fill(groups) {
    this.options = [];
    const rows = groups.map(({ label, options }) => {
      const items = options.map((option) => this.row(option));
      if (!label) return items;
      const id = uid("group");
      return h("li", { role: "none" }, h("ul", { role: "group", "aria-labelledby": id }, h("li", { role: "none", class: "group-label", id }, label), items));
    });
    this.list.replaceChildren(...rows.flat());
    if (!this.options.length) return this.note("No results");
    this.list.hidden = false;
    if (this.hasty) return this.take(this.options[0].option);
    this.mark(this.several ? -1 : this.options.findIndex(({ option }) => this.isChosen(option)));
    return place(this.list, this.box);
  }

  row(option) {
    const node = h(
      "li",
      { role: "option", id: uid("option"), "aria-selected": this.isChosen(option) ? "true" : "false" },
      h("span", null, option.text.text),
      option.description ? h("small", null, option.description.text) : null,
    );
    this.options.push({ option, node });
    return node;
  }

  mark(index) {
    this.options[this.active]?.node.classList.remove("active");
    this.active = index;
    const now = this.options[index]?.node;
    if (!now) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    now.classList.add("active");
    this.input.setAttribute("aria-activedescendant", now.id);
    now.scrollIntoView({ block: "nearest" });
  }

  keys(event) {
    const last = this.options.length - 1;
    const to = { ArrowDown: this.active >= last ? 0 : this.active + 1, ArrowUp: this.active <= 0 ? last : this.active - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (this.expanded) this.mark(to);
      else this.open("");
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!this.expanded) this.open("");
      else if (this.options[this.active]) this.take(this.options[this.active].option);
      else if (this.typed && this.options.length) this.take(this.options[0].option);
      else this.hasty = this.typed;
    } else if (event.key === "Backspace" && this.several && !this.input.value && this.chosen.length) {
      event.preventDefault();
      this.toggle(this.chosen.at(-1));
    } else if (event.key === "Escape" && this.expanded) {
      event.preventDefault();
      this.shut();
    }
  }

  choose(node) {
    const found = this.options.find((row) => row.node === node);
    if (found) this.take(found.option);
  }

  take(option) {
    if (this.several) {
      this.toggle(option);
      return;
    }
    const before = this.chosen;
    this.chosen = option;
    this.shut();
    if (option?.value !== before?.value) this.settle(before);
  }

  /** Add an option to those chosen, or take it away; the list stays open for the next one. */
  toggle(option) {
    const before = this.chosen;
    const most = this.element.max_selected_items ?? Infinity;
    const on = !this.isChosen(option);
    if (on && before.length >= most) {
      this.note(`You can choose at most ${most}`);
      return;
    }
    this.chosen = on ? [...before, option] : before.filter(({ value }) => value !== option.value);
    this.show();
    if (this.expanded && this.element.type === "multi_static_select") this.open("");
    else this.shut();
    this.settle(before);
  }

  async settle(before) {
    const wanted = this.chosen;
    if ((await this.pick(wanted)) || this.chosen !== wanted) return;
    this.chosen = before;
    this.show();
  }

  shut() {
    if (this.expanded) {
      this.unfollow();
      this.asked += 1;
      clearTimeout(this.timer);
    }
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.active = -1;
    this.list.remove();
    this.show();
  }
}

const grouped = ({ options, option_groups: groups }) =>
  groups?.length ? groups.map((group) => ({ label: group.label.text, options: group.options })) : [{ label: null, options: options ?? [] }];

function matching(element, text) {
  const words = text.toLowerCase().split(/[\s/]+/).filter(Boolean);
  return grouped(element)
    .map(({ label, options }) => ({
      label,
      options: options.filter((option) => words.every((word) => `${label ?? ""} ${option.text.text}`.toLowerCase().includes(word))),
    }))
    .filter(({ options }) => options.length);
}
