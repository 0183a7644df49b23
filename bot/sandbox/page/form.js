// What a person has chosen and typed in one view or message, as Slack's `state.values`; it outlives redrawing.

const START = {
  plain_text_input: (e) => ({ value: e.initial_value ?? null }),
  number_input: (e) => ({ value: e.initial_value ?? null }),
  static_select: (e) => ({ selected_option: e.initial_option ?? null }),
  external_select: (e) => ({ selected_option: e.initial_option ?? null }),
  multi_static_select: (e) => ({ selected_options: e.initial_options ?? [] }),
  multi_external_select: (e) => ({ selected_options: e.initial_options ?? [] }),
  datetimepicker: (e) => ({ selected_date_time: e.initial_date_time ?? null }),
  checkboxes: (e) => ({ selected_options: e.initial_options ?? [] }),
  radio_buttons: (e) => ({ selected_option: e.initial_option ?? null }),
};

/** The interactive elements of a block. */
export const elementsOf = (block) =>
  [block.element, block.accessory, ...(block.type === "actions" ? block.elements : [])].filter((element) => element?.action_id);

const offered = (element) => [
  ...(element.options ?? []),
  ...(element.option_groups ?? []).flatMap((group) => group.options),
];

/** The typed state of one surface. */
export class Form {
  constructor() {
    this.values = {};
  }

  /**
   * Take over new blocks: what keeps its block_id, action_id and kind keeps what was entered, what is new starts with
   * what `stored` holds, or else with its initial value.
   */
  adopt(blocks, stored = {}) {
    const next = {};
    for (const block of blocks) {
      for (const element of elementsOf(block)) {
        if (!START[element.type]) continue;
        const kept = this.get(block.block_id, element.action_id) ?? stored[block.block_id]?.[element.action_id];
        const fits = kept?.type === element.type && this.#stillOffered(element, kept);
        next[block.block_id] ??= {};
        next[block.block_id][element.action_id] = fits ? kept : { type: element.type, ...START[element.type](element) };
      }
    }
    this.values = next;
  }

  #stillOffered(element, kept) {
    if (!["static_select", "multi_static_select", "radio_buttons"].includes(element.type)) return true;
    const chosen = kept.selected_options ?? [kept.selected_option].filter(Boolean);
    return chosen.every(({ value }) => offered(element).some((option) => option.value === value));
  }

  get(block, action) {
    return this.values[block]?.[action];
  }

  set(block, action, value) {
    this.values[block] ??= {};
    this.values[block][action] = value;
  }

  /** What is not filled in as its block demands: {block_id: what to say}. */
  missing(blocks) {
    const errors = {};
    for (const { type, block_id, element, optional } of blocks) {
      if (type !== "input") continue;
      const value = this.get(block_id, element.action_id) ?? {};
      const given = value.value || value.selected_option || value.selected_date_time || value.selected_options?.length;
      if (!given && !optional) errors[block_id] = "Please complete this required field.";
      if (given && element.type === "number_input") {
        const problem = wrongNumber(element, value.value);
        if (problem) errors[block_id] = problem;
        continue;
      }
      const long = (value.value ?? "").length;
      if (given && element.min_length > long) errors[block_id] = `Please enter at least ${element.min_length} characters.`;
      if (given && element.max_length < long) errors[block_id] = `Please enter at most ${element.max_length} characters.`;
    }
    return errors;
  }
}

function wrongNumber(element, text) {
  const number = Number(text);
  if (Number.isNaN(number)) return "Please enter a number.";
  if (!element.is_decimal_allowed && !Number.isInteger(number)) return "Please enter a whole number.";
  if (element.min_value !== undefined && number < Number(element.min_value)) return `Please enter a number that is at least ${element.min_value}.`;
  if (element.max_value !== undefined && number > Number(element.max_value)) return `Please enter a number that is at most ${element.max_value}.`;
  return "";
}
