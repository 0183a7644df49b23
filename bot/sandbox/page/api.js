// The calls this page makes: the simulated Slack as a person uses it, the simulated cloud, and the wire.

import { live } from "/page/live.js";

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  try {
    const answer = await fetch(path, options);
    const read = await answer.json().catch(() => null);
    if (read === null || typeof read !== "object") return { ok: false, error: `http_${answer.status}` };
    return answer.ok ? read : { ...read, ok: false, error: read.error ?? `http_${answer.status}` };
  } catch {
    return { ok: false, error: "sandbox_unreachable" };
  }
}

const of = (me) => `/people/${encodeURIComponent(me)}`;

/** The simulated Slack, as one person's client sees it. */
export const slack = {
  people: () => call("/people"),
  workspace: (me) => call(`${of(me)}/workspace`),
  conversation: (me, channel, before) =>
    call(`${of(me)}/conversations/${channel}?limit=200${before ? `&before=${before}` : ""}`),
  thread: (me, channel, ts) => call(`${of(me)}/conversations/${channel}/thread/${ts}`),
  command: (me, body) => call(`${of(me)}/command`, body),
  message: (me, { text, ...rest }) => call(`${of(me)}/message`, { ...rest, text: escaped(text) }),
  action: (me, body) => call(`${of(me)}/action`, body),
  options: (me, body) => call(`${of(me)}/options`, body),
  submit: (me, body) => call(`${of(me)}/submit`, body),
  close: (me, view_id) => call(`${of(me)}/close`, { view_id }),
  openHome: (me, tab = "home") => call(`${of(me)}/home`, { tab }),
  home: (me) => call(`${of(me)}/home`),
  read: (me, channel, ts) => call(`${of(me)}/read`, { channel, ts }),
  events: (me, listener) => live(`${of(me)}/events`, listener),
};

/** The simulated Avisi Cloud's panel. */
export const cloud = {
  read: () => call("/cloud"),
  clock: (body) => call("/cloud/clock", body),
  outcome: (outcome) => call("/cloud/outcome", { outcome }),
  faults: (body) => call("/cloud/faults", body),
  reschedule: (kind) => call("/cloud/reschedule", { kind }),
  schedule: (clusterIdentity, version) => call("/cloud/upgrades", { clusterIdentity, version }),
  alerts: (body) => call("/cloud/alerts", body),
  events: (listener) => live("/cloud/events", listener),
};

/** Whom the tour speaks of: an environment with its channel, a requester and an approver. */
export const readGuide = () => call("/guide");

/** Every delivery to the bot and every call it makes. */
export const wire = {
  read: () => call("/wire"),
  events: (listener) => live("/wire/events", listener),
};

const WORDS = {
  sandbox_unreachable: "The sandbox does not answer.",
  operation_timeout: "The app did not answer within 3 seconds.",
  dispatch_failed: "The app could not be reached.",
  http_client_error: "The app answered with an error.",
  invalid_command_response: "The app gave an answer that Slack cannot read.",
};

/** An error code in words, with the code for those who look it up. */
export const inWords = (error) => (/\s/.test(error) ? error : `${WORDS[error] ?? "That did not work."} (${error})`);

/** Text that a person typed, as Slack keeps it. */
export const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
