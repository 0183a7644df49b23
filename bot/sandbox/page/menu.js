// A button that opens a short menu (Slack's overflow element).

import { h, uid } from "/page/dom.js";
import { place, whileMoving } from "/page/popup.js";

/** Draw the button named `name`; `items` are {text, run}. */
export function overflow(name, face, items, key) {
  const id = uid("menu");
  const button = h("button", {
    type: "button", class: "button square", "aria-label": name, "aria-haspopup": "menu", "aria-expanded": "false", dataset: { key },
  }, face);
  const rows = items.map(({ text, run }) =>
    h("li", { role: "menuitem", tabindex: "-1", on: { click: () => { shut(); run(); } } }, text));
  const list = h("ul", { role: "menu", class: "popup listbox", id, "aria-label": name }, rows);
  let stop = null;
  const open = () => {
    button.setAttribute("aria-expanded", "true");
    place(list, button, { matchWidth: false });
    stop = whileMoving(() => place(list, button, { matchWidth: false }));
    rows[0].focus();
  };
  const shut = () => {
    button.setAttribute("aria-expanded", "false");
    stop?.();
    stop = null;
    if (list.contains(document.activeElement)) button.focus();
    list.remove();
  };
  button.addEventListener("click", () => (stop ? shut() : open()));
  list.addEventListener("keydown", (event) => {
    const at = rows.indexOf(document.activeElement);
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) rows[(at + move + rows.length) % rows.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") shut();
    else if (event.key === "Enter" || event.key === " ") rows[at]?.click();
    else return;
    event.preventDefault();
  });
  list.addEventListener("focusout", (event) => {
    if (!list.contains(event.relatedTarget) && event.relatedTarget !== button) shut();
  });
  return button;
}
