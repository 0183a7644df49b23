// The left pane: the workspace, its channels, direct messages and the app.

import { h, icon, reconcile } from "/page/dom.js";
import { avatar } from "/page/face.js";
import { appDm, hrefTo, nameOf, store } from "/page/store.js";

const cache = new Map();

/** Draw the sidebar for the person one is now. */
export function drawSidebar() {
  const { workspace, place } = store;
  const root = document.getElementById("sidebar");
  const app = appDm();
  const people = workspace.dms.filter((dm) => dm !== app);
  const channels = workspace.channels.filter(({ member, private: closed }) => member || !closed);
  const sections = [
    kept("team", [workspace.team, store.me], () => h("div", { class: "team" }, h("strong", null, workspace.team?.name ?? workspace.team), h("span", null, nameOf(store.me)))),
    section("Channels", channels.map((channel) => entry({
      key: channel.id, href: hrefTo(channel.id), on: place.channel === channel.id, face: icon(channel.private ? "lock" : "hash"), text: channel.name,
      unread: waiting(channel), mention: channel.mention, after: channel.shared ? "shared" : channel.archived ? "archived" : "",
    }))),
    section("Direct messages", people.map((dm) => entry({
      key: dm.id, href: hrefTo(dm.id), on: place.channel === dm.id, face: avatar(dm.user, "tiny"), text: nameOf(dm.user), unread: waiting(dm), mention: true,
      after: dm.user === store.me ? "you" : "",
    }))),
    section("Apps", app ? [entry({
      key: "app", href: app.unread ? hrefTo(app.id) : hrefTo("home"), on: place.channel === "home" || place.channel === app.id,
      face: avatar(app.user, "tiny"), text: workspace.app.name, unread: waiting(app), mention: true,
    })] : []),
  ];
  reconcile(root, sections.filter(Boolean));
  title();
}

const waiting = ({ id, unread }) => (id === store.place.channel && !document.hidden ? 0 : unread);

function section(text, entries) {
  if (!entries.length) return null;
  const node = kept(`section ${text}`, [], () => h("div", { class: "side-section" }, h("h2", null, text), h("ul")));
  reconcile(node.lastChild, entries);
  return node;
}

function entry({ key, href, on, face, text, unread, mention, after }) {
  return kept(`entry ${key}`, [href, on, text, unread, mention, after], () =>
    h("li", null, h("a", { href, class: unread ? "place unread" : "place", "aria-current": on ? "page" : null }, face,
      h("span", { class: "place-name" }, text), after ? h("span", { class: "after" }, after) : null,
      unread ? h("span", { class: mention ? "count" : "dot" }, mention ? String(unread) : "", h("span", { class: "hidden" }, mention ? " unread" : `${unread} unread`)) : null)));
}

function kept(key, facts, make) {
  const face = JSON.stringify(facts);
  const had = cache.get(key);
  if (had?.face === face) return had.node;
  const node = make();
  const held = had?.node.contains(document.activeElement);
  cache.set(key, { face, node });
  if (held) queueMicrotask(() => node.querySelector("a")?.focus());
  return node;
}

function title() {
  const { channels, dms, team } = store.workspace;
  const count = [...channels, ...dms].reduce((sum, place) => sum + (place.mention || place.user ? waiting(place) : 0), 0);
  document.title = `${count ? `(${count}) ` : ""}${nameOf(store.me)} in ${team?.name ?? team}`;
}
