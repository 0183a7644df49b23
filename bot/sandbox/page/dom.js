// Small helpers for building and reusing elements. Text always goes in as text nodes, never as markup.

let count = 0;

/** A fresh id, for labels and descriptions. */
export const uid = (prefix = "id") => `${prefix}-${++count}`;

/** Make an element: `class`, `on` (listeners) and `dataset` are special, true/false/null toggle an attribute. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "value") node.value = value;
    else if (name === "checked" || name === "selected") node[name] = Boolean(value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Make `parent` hold exactly `nodes`, in order, touching only what differs. */
export function reconcile(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

const PATHS = {
  close: "M5 5l10 10M15 5L5 15",
  hash: "M8 3L6.500 17M13.500 3L12 17M3.500 7.500h13.500M3 12.500h13.500",
  lock: "M5.500 9h9v7.500h-9zM7.500 9V6.500a2.500 2.500 0 015 0V9",
  reply: "M4 5h12v8H9.500L6 16v-3H4z",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 12.200a2.200 2.200 0 100-4.400 2.200 2.200 0 000 4.400z",
  chevron: "M6 8l4 4 4-4",
  right: "M8 6l4 4-4 4",
  send: "M4 4l13 6-13 6 2.200-6z",
  pause: "M7 5v10M13 5v10",
  play: "M6.500 4.500l9 5.500-9 5.500z",
  step: "M5 5l7 5-7 5zM15 5v10",
  cloud: "M6 15a3.500 3.500 0 01-.5-7A4.500 4.500 0 0114 7.500 3.800 3.800 0 0114 15z",
  wire: "M3 7h11M11 4l3 3-3 3M17 13H6M9 10l-3 3 3 3",
  moon: "M15.500 12A6.500 6.500 0 018 4.500 6.500 6.500 0 1015.500 12z",
  sun: "M10 6.500a3.500 3.500 0 100 7 3.500 3.500 0 000-7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.500 4.500l1 1M14.500 14.500l1 1M4.500 15.500l1-1M14.500 5.500l1-1",
  menu: "M4 6h12M4 10h12M4 14h12",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  tour: "M10 3a7 7 0 100 14 7 7 0 000-14zM8 8a2 2 0 113 1.700c-.7.5-1 .8-1 1.600M10 14h.01",
  building: "M5 17V4h7v13M12 8h3.500v9M3.500 17h13.500M7.500 7h2M7.500 10h2M7.500 13h2",
};

/** A line icon that assistive technology does not see. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Say something at the edge of the screen; it goes away by itself. */
export function toast(text) {
  const box = h("div", { class: "toast" }, text);
  const host = document.getElementById("toasts");
  host.append(box);
  while (host.children.length > 3) host.firstChild.remove();
  setTimeout(() => box.remove(), 7000);
}

/** What a person has chosen about this page, kept in this browser. */
export const remember = {
  get: (key) => {
    try { return localStorage.getItem(`sandbox.${key}`); } catch { return null; }
  },
  set: (key, value) => {
    try { localStorage.setItem(`sandbox.${key}`, value); } catch { /* a private window may refuse */ }
  },
};
