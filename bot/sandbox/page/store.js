// What this tab knows: who one is, the workspace as that person sees it, where one looks, and the simulated cloud.

export const store = {
  me: null,
  people: [],
  workspace: null,
  cloud: null,
  guide: {},
  place: { channel: null, thread: null },
};

export const person = (id) => store.people.find((one) => one.id === id);
export const channelOf = (id) => store.workspace?.channels.find((one) => one.id === id);
export const dmOf = (id) => store.workspace?.dms.find((one) => one.id === id);
export const appDm = () => store.workspace?.dms.find((one) => one.user === store.workspace.app.bot_user_id);
export const nameOf = (id) => {
  const user = store.workspace?.users[id] ?? person(id);
  return user ? user.real_name || user.name : id;
};
export const isBot = (id) => Boolean(store.workspace?.users[id]?.bot);

/** The address of a place in this page; the app's Home tab is the place "home". */
export const hrefTo = (channel, thread) => `#/${store.me}/${channel}${thread ? `/${thread}` : ""}`;

/** Read the address: {me, channel, thread, point}; `point` is the message to show. */
export function readPlace() {
  const [path, point] = location.hash.split("?");
  const [, me, channel, thread] = path.split("/").map(decodeURIComponent);
  return { me: me || null, channel: channel || null, thread: thread || null, point: point || null };
}

/** Names and places as mrkdwn.js wants them, always for the person one is now. */
export const names = {
  get me() { return store.me; },
  get tz() { return store.workspace?.users[store.me]?.tz ?? person(store.me)?.tz ?? "UTC"; },
  user: nameOf,
  channel: (id) => channelOf(id)?.name,
  usergroup: (id) => store.workspace?.usergroups[id]?.handle,
  inside(href) {
    if (!href.startsWith(store.workspace?.team.url ?? "")) return null;
    const found = /\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?(.*))?$/.exec(href);
    if (!found) return null;
    const [, channel, seconds, rest, query] = found;
    const thread = new URLSearchParams(query ?? "").get("thread_ts");
    return thread ? hrefTo(channel, thread) : `${hrefTo(channel)}?${seconds}.${rest}`;
  },
};
