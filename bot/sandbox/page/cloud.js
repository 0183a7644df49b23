// The cloud panel: what the simulated Avisi Cloud holds, and the ways to push and break it.

import { cloud } from "/page/api.js";
import { faultsForm, outsideForm } from "/page/cloudforms.js";
import { h, reconcile, toast, uid } from "/page/dom.js";
import { names, store } from "/page/store.js";
import { shortDayAndTime } from "/page/time.js";

const SPEEDS = [[1, "Real time"], [60, "1 min a second"], [600, "10 min a second"], [3600, "1 hour a second"], [21600, "6 hours a second"]];
const OUTCOMES = [["succeed", "succeeds"], ["fail", "fails"], ["miss", "misses its window"], ["supersede", "is superseded"], ["overrun", "runs past its window"]];
const RESCHEDULES = [["move", "moves the record"], ["supersede", "makes a new one"]];
const DONE = new Set(["SUCCEEDED", "FAILED", "MISSED", "SUPERSEDED"]);
const TONE = { SUCCEEDED: "good", FAILED: "bad", MISSED: "bad", IN_PROGRESS: "busy", SCHEDULED_NOTIFIED: "soon", SUPERSEDED: "past" };

const parts = {};
const rows = new Map();

async function ask(promise) {
  const answer = await promise;
  if (answer.ok === false) toast(answer.error);
  return answer;
}

/** Build the panel once. */
export function buildCloud() {
  parts.speed = select(SPEEDS, (value) => ask(cloud.clock({ speed: Number(value) })));
  parts.outcome = select(OUTCOMES, (value) => ask(cloud.outcome(value)));
  parts.outcome.dataset.tour = "";
  parts.reschedule = select(RESCHEDULES, (value) => ask(cloud.reschedule(value)));
  const forward = (text, seconds) => h("button", { type: "button", class: "button", on: { click: () => ask(cloud.clock({ advance_seconds: seconds })) } }, text);
  parts.upgrades = h("ul", { class: "upgrades" });
  parts.upgradesTitle = h("h3", null, "Scheduled upgrades");
  parts.clusters = h("div", { class: "clusters" });
  parts.clustersTitle = h("summary", null, "Clusters");
  parts.outside = outsideForm(ask);
  parts.faults = faultsForm(ask);
  parts.alerts = h("div", { class: "faults" });
  parts.alertsTitle = h("summary", null, "Alerts");
  parts.ids = h("div", { class: "clusters" });
  parts.requests = h("p", { class: "quiet" });
  parts.down = h("p", { class: "banner", hidden: true });
  document.getElementById("cloud").replaceChildren(
    h("div", { class: "pane-head" }, h("h2", null, "Avisi Cloud"), parts.requests),
    h("div", { class: "panel", tabindex: "0", role: "region", "aria-label": "Simulated cloud" },
      parts.down,
      row("Speed", parts.speed),
      h("div", { class: "row" }, h("span", null, "Go forward"), h("div", { class: "buttons" }, forward("1 hour", 3600), forward("6 hours", 21600), forward("1 day", 86400))),
      row("The next upgrade", parts.outcome),
      row("Rescheduling", parts.reschedule),
      parts.upgradesTitle, parts.upgrades,
      h("details", null, h("summary", null, "Schedule from outside Slack"), parts.outside.node),
      h("details", null, parts.alertsTitle, parts.alerts),
      h("details", null, h("summary", null, "Break it"), parts.faults.node),
      h("details", null, parts.clustersTitle, parts.clusters),
      h("details", null, h("summary", null, "People, groups and channels"), parts.ids)),
  );
}

function select(options, change) {
  return h("select", { on: { change: (event) => change(event.target.value) } }, options.map(([value, text]) => h("option", { value }, text)));
}

function row(text, control) {
  control.id = uid("cloud");
  return h("div", { class: "row" }, h("label", { for: control.id }, text), control);
}

/** Draw what store.cloud says. */
export function drawCloud() {
  const state = store.cloud;
  if (!state || !parts.speed) return;
  if (!SPEEDS.some(([value]) => value === state.speed) && ![...parts.speed.options].some(({ value }) => Number(value) === state.speed)) {
    parts.speed.append(h("option", { value: state.speed }, `${state.speed}× faster`));
  }
  keepValue(parts.speed, String(state.speed));
  keepValue(parts.outcome, state.next_outcome);
  keepValue(parts.reschedule, state.reschedule);
  drawRequests(state.requests);
  const faults = parts.faults.draw(state.faults);
  parts.down.hidden = !faults;
  parts.down.textContent = faults;
  parts.outside.draw(state);
  drawUpgrades(state.upgrades);
  drawClusters(state.clusters, state.window_zone);
  drawAlerts(state.tenants ?? []);
}

/** List the IDs that a policy file may name, as the person sees them who one is now. */
export function drawIds() {
  const { users, usergroups, channels } = store.workspace;
  const list = (title, entries) => h("div", null, h("h4", null, title), h("ul", null, entries.map(([id, name]) =>
    h("li", null, h("div", { class: "upgrade-top" }, h("span", null, name), h("code", null, id))))));
  parts.ids.replaceChildren(
    list("People", Object.entries(users).filter(([, user]) => !user.bot).map(([id, user]) => [id, user.real_name || user.name])),
    list("User groups", Object.entries(usergroups).map(([id, { handle }]) => [id, `@${handle}`])),
    list("Channels", channels.map(({ id, name }) => [id, `#${name}`])));
}

/** The count of requests alone. */
export function drawRequests(count) {
  parts.requests.textContent = `simulated, ${count} request${count === 1 ? "" : "s"}`;
}

const keepValue = (control, value) => {
  if (control.value !== value) control.value = value;
};

function drawUpgrades(upgrades) {
  const open = upgrades.filter(({ status }) => !DONE.has(status)).sort((a, b) => (a.window_start < b.window_start ? -1 : 1));
  const done = upgrades.filter(({ status }) => DONE.has(status)).reverse();
  parts.upgradesTitle.textContent = upgrades.length ? `Scheduled upgrades (${open.length} open, ${done.length} done)` : "Scheduled upgrades";
  const nodes = [...open, ...done].map(upgradeRow);
  if (!nodes.length) nodes.push(emptyRow());
  const wanted = new Set(nodes);
  for (const [key, { node }] of rows) if (!wanted.has(node)) rows.delete(key);
  reconcile(parts.upgrades, nodes);
}

const emptyRow = () => kept("none", "", () => h("li", { class: "quiet" }, "None yet. Ask the bot for one, or schedule one below."));

function kept(key, face, make) {
  const had = rows.get(key);
  if (had?.face === face) return had.node;
  const node = make();
  rows.set(key, { face, node });
  return node;
}

function upgradeRow(upgrade) {
  return kept(upgrade.identity, JSON.stringify([upgrade, names.tz]), () => {
    const { environment, cluster, from, to, status, window_start: start, window_end: end, reason, requested_by: by } = upgrade;
    const when = start ? `${shortDayAndTime(Date.parse(start), names.tz)} to ${shortDayAndTime(Date.parse(end), names.tz).split(", ")[1]}` : "no window yet";
    return h("li", { class: DONE.has(status) ? "upgrade over" : "upgrade" },
      h("div", { class: "upgrade-top" }, h("strong", null, `${environment}/${cluster}`), h("span", { class: `pill ${TONE[status] ?? ""}` }, status)),
      h("div", { class: "quiet" }, `${from} to ${to}`),
      h("div", { class: "quiet" }, `${when}, ${by === "bot" ? "by the bot" : "outside Slack"}`),
      reason ? h("div", { class: TONE[status] === "bad" ? "reason" : "quiet" }, reason) : null);
  });
}

function drawClusters(clusters, zone) {
  const face = JSON.stringify([clusters, zone]);
  if (face === parts.clustersFace) return;
  parts.clustersFace = face;
  parts.clustersTitle.textContent = `Clusters (${clusters.length})`;
  const groups = Map.groupBy(clusters, ({ environment }) => environment);
  parts.clusters.replaceChildren(h("p", { class: "quiet" }, `Maintenance windows are in ${zone}.`), ...[...groups].map(([environment, members]) => h("div", null, h("h4", null, environment), h("ul", null, members.map(clusterRow)))));
}

function clusterRow({ slug, version, status, channel, auto_upgrade: auto, windows }) {
  const schedule = windows.map(({ day, startTime, duration }) => `${day[0]}${day.slice(1, 3).toLowerCase()} ${startTime.slice(0, 5)} for\u00a0${lasting(duration)}`).join(", ") || "no maintenance window";
  return h("li", null, h("div", { class: "upgrade-top" }, h("strong", null, slug), h("span", { class: "version" }, version)),
    h("div", { class: "quiet" }, [status === "running" ? null : status, channel ? `channel ${channel}` : null, auto ? "upgrades itself" : null, schedule].filter(Boolean).join(", ")));
}

function drawAlerts(tenants) {
  const face = JSON.stringify(tenants);
  if (face === parts.alertsFace) return;
  parts.alertsFace = face;
  const firing = tenants.flatMap(({ alerts }) => alerts).filter((alert) => alert.firing).length;
  parts.alertsTitle.textContent = firing ? `Alerts (${firing} firing)` : "Alerts";
  parts.alerts.replaceChildren(...tenants.map((tenant) => {
    const where = { organisation: tenant.organisation, tenant: tenant.slug };
    return h("div", { role: "group", "aria-label": tenant.slug }, h("h4", null, tenant.slug),
      h("p", { class: "quiet" }, tenant.clusters.length ? `Watches ${tenant.clusters.join(", ")}.` : "Watches no cluster."),
      tenant.alerts.map(({ name, firing: on }) => tick(name, on, (checked) => cloud.alerts({ ...where, alert: name, firing: checked }))),
      tick("Refuse (403)", tenant.refuses !== null, (checked) => cloud.alerts({ ...where, refuses: checked ? 403 : null })));
  }));
}

function tick(text, checked, change) {
  const box = h("input", { type: "checkbox", id: uid("alert"), on: { change: () => ask(change(box.checked)) } });
  box.checked = checked;
  return h("div", { class: "check" }, box, h("label", { for: box.id }, text));
}

const lasting = (minutes) => (minutes % 60 ? `${minutes}\u00a0min` : `${minutes / 60}\u00a0h`);
