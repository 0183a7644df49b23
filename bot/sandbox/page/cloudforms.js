// The two forms of the cloud panel: schedule from outside Slack, and break things.

import { cloud } from "/page/api.js";
import { h, uid } from "/page/dom.js";
import { store } from "/page/store.js";

const STATUSES = [["", "as it should"], ["400", "400 bad request"], ["401", "401 unauthorised"], ["403", "403 forbidden"], ["404", "404 not found"],
  ["409", "409 conflict"], ["429", "429 too many requests"], ["500", "500 server error"], ["503", "503 unavailable"]];
const DROPS = [["", "none"], ["before", "before storing"], ["after", "after storing"]];

function labelled(text, control) {
  control.id = uid("form");
  return h("div", { class: "row" }, h("label", { for: control.id }, text), control);
}

const choices = (options) => options.map(([value, text]) => h("option", { value }, text));

/** Somebody schedules an upgrade in the vendor's console. */
export function outsideForm(ask) {
  const cluster = h("select", { on: { change: () => versions() } });
  const version = h("select");
  const node = h("form", { on: { submit: (event) => {
    event.preventDefault();
    ask(cloud.schedule(cluster.value, version.value));
  } } }, labelled("Upgrade", cluster), labelled("To", version), h("div", { class: "buttons" }, h("button", { type: "submit", class: "button" }, "Schedule outside Slack")));
  let face = "";
  const versions = () => {
    const chosen = store.cloud.clusters.find(({ identity }) => identity === cluster.value);
    const later = store.cloud.versions.filter((one) => chosen && compare(one, chosen.version) > 0);
    const had = version.value;
    version.replaceChildren(...choices((later.length ? later : store.cloud.versions).map((one) => [one, one])));
    if (later.includes(had)) version.value = had;
  };
  const draw = ({ clusters, versions: all }) => {
    const now = JSON.stringify([clusters.map(({ identity, version: at }) => [identity, at]), all]);
    if (now === face) return;
    face = now;
    const had = cluster.value;
    cluster.replaceChildren(...choices(clusters.map(({ identity, environment, slug }) => [identity, `${environment}/${slug}`])));
    if (had) cluster.value = had;
    versions();
  };
  return { node, draw };
}

const numbers = (text) => text.match(/\d+/g)?.map(Number) ?? [];

function compare(a, b) {
  const [left, right] = [numbers(a), numbers(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    if ((left[at] ?? 0) !== (right[at] ?? 0)) return (left[at] ?? 0) - (right[at] ?? 0);
  }
  return 0;
}

const PATHS = ["*/scheduled-cluster-upgrades", "*/clusters", "*/clusters/*/*", "*/cluster-versions", "*/update-channels", "*/maintenance-schedule", "*/environments", "*"];
const METHODS = [["POST", "POST"], ["GET", "GET"], ["*", "any"]];
const WRONG = [
  ["is done, but the answer is lost", { drop: "after" }], ["is not done, the connection closes", { drop: "before" }], ["is done, the answer breaks off", { drop: "during" }],
  ["is done, but answers 500", { status: 500, work: true }], ["is answered with a web page", { status: 502, html: true }], ["is answered after 30 s", { delay_seconds: 30 }],
  ...STATUSES.slice(1).map(([status, text]) => [`is refused: ${text}`, { status: Number(status) }]),
];
const TIMES = [["1", "once"], ["3", "three times"], ["", "until it is reset"]];

/** Let something go wrong with one kind of call, by method and path. */
function oneCallForm(send) {
  const paths = h("datalist", { id: uid("paths") }, PATHS.map((path) => h("option", { value: path })));
  const method = h("select", null, choices(METHODS));
  const path = h("input", { type: "text", class: "field short", list: paths.id, value: PATHS[0], required: true, autocomplete: "off" });
  const wrong = h("select", null, choices(WRONG.map(([text], at) => [String(at), text])));
  const times = h("select", null, choices(TIMES));
  const node = h("form", { class: "one-call", on: { submit: (event) => {
    event.preventDefault();
    send({ add: { method: method.value, path: path.value, times: times.value ? Number(times.value) : null, ...WRONG[Number(wrong.value)][1] } });
  } } }, h("h4", null, "One kind of call"), labelled("Method", method), labelled("Path", path), paths, labelled("This call", wrong), labelled("How often", times),
  h("div", { class: "buttons" }, h("button", { type: "submit", class: "button" }, "Add this fault")));
  return { node };
}

function inWords({ method, path, times, delay_seconds: delay, status, drop, html, work }) {
  const what = drop ? { after: "loses its answer", before: "is cut before it is done", during: "breaks off" }[drop]
    : html ? "is answered with a web page" : status ? `${work ? "is done, but answers" : "answers"} ${status}` : `answers after ${delay} s`;
  return `${method === "*" ? "any call" : method} ${path} ${what}${times === null ? "" : times === 1 ? " once" : ` ${times} times`}`;
}

/** Make the API slow, refuse, drop answers, go down, or lose its list. `draw` answers what is broken, in words. */
export function faultsForm(ask) {
  const send = (body) => ask(cloud.faults(body));
  const delay = h("input", { type: "number", min: "0", max: "60", step: "0.5", class: "field short", on: { change: () => send({ delay_seconds: Number(delay.value) || 0 }) } });
  const status = h("select", { on: { change: () => send({ status: status.value ? Number(status.value) : null }) } }, choices(STATUSES));
  const drop = h("select", { on: { change: () => send({ drop: drop.value || null }) } }, choices(DROPS));
  const tick = (text, key) => {
    const box = h("input", { type: "checkbox", id: uid("fault"), on: { change: () => send({ [key]: box.checked }) } });
    return { box, node: h("div", { class: "check" }, box, h("label", { for: box.id }, text)) };
  };
  const html = tick("Answer with a web page instead of JSON", "html");
  const down = tick("Down: no connection at all", "down");
  const list = tick("No list of scheduled upgrades", "no_list");
  const one = oneCallForm(send);
  const reset = h("button", { type: "button", class: "button", on: { click: () => send({ reset: true }) } }, "Reset faults");
  const node = h("div", { class: "faults" }, labelled("Answer after (seconds)", delay), labelled("Answer", status), labelled("Drop the answer", drop), html.node, down.node, list.node, one.node, h("div", { class: "buttons" }, reset));
  const draw = (faults) => {
    if (document.activeElement !== delay) delay.value = String(faults.delay_seconds || 0);
    status.value = String(faults.status ?? "");
    drop.value = faults.drop ?? "";
    html.box.checked = faults.html;
    down.box.checked = faults.down;
    list.box.checked = faults.no_list;
    const broken = [
      faults.down && "it is down", faults.delay_seconds && `it answers after ${faults.delay_seconds} s`, faults.status && `it answers ${faults.status}`,
      faults.drop && `it drops answers ${faults.drop} storing`, faults.html && "it answers with a web page", faults.no_list && "it has no list",
      ...faults.waiting.map(inWords),
    ].filter(Boolean);
    reset.disabled = !broken.length;
    return broken.length ? `Broken: ${broken.join(", ")}.` : "";
  };
  return { node, draw };
}
