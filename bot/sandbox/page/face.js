// How people and the app look: a small picture made of initials, and the words that say what kind of person it is.

import { h } from "/page/dom.js";
import { isBot, nameOf } from "/page/store.js";

const TONES = 6;

/** A square with initials; decoration only, the name stands beside it. */
export function avatar(id, size = "") {
  const name = nameOf(id);
  const bot = isBot(id);
  const letters = name.split(/[\s.-]+/).filter(Boolean).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  const tone = bot ? "bot" : [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % TONES;
  return h("span", { class: `avatar ${size} tone-${tone}`, "aria-hidden": "true" }, letters);
}

export const KIND = { guest: "guest", stranger: "other organisation" };
