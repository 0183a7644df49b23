// Live streams. Browsers allow six connections to one host, so all tabs share their streams through a shared worker,
// and a tab that nobody looks at holds none; it reads everything anew when it is looked at again.

let port = null;
let alone = typeof SharedWorker === "undefined";
const listeners = new Map();

function shared() {
  if (port || alone) return port;
  const worker = new SharedWorker("/page/streams.js", { name: "sandbox-streams" });
  port = worker.port;
  port.onmessage = ({ data: { url, kind, payload } }) => {
    for (const listener of listeners.get(url) ?? []) listener[kind]?.(payload);
  };
  port.start();
  worker.onerror = () => {
    port = null;
    alone = true;
    for (const url of listeners.keys()) start(url);
  };
  addEventListener("pagehide", () => port?.postMessage({ kind: "bye" }));
  return port;
}

/**
 * Follow a stream. `listener` is {message(payload), open(), down()}; `open` comes at the start and after every gap,
 * which is the moment to read everything. Returns a function that stops following.
 */
export function live(url, listener) {
  const attach = () => {
    const following = listeners.get(url) ?? new Set();
    following.add(listener);
    listeners.set(url, following);
    if (following.size === 1) start(url);
    else listener.open();
  };
  const detach = () => {
    const following = listeners.get(url);
    if (!following?.delete(listener) || following.size) return;
    listeners.delete(url);
    stop(url);
  };
  const seen = () => (document.hidden ? detach() : attach());
  const shown = (event) => event.persisted && !document.hidden && (detach(), attach());
  document.addEventListener("visibilitychange", seen);
  addEventListener("pageshow", shown);
  if (!document.hidden) attach();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("pageshow", shown);
    detach();
  };
}

const direct = new Map();

function start(url) {
  if (shared()) {
    port.postMessage({ kind: "follow", url });
    return;
  }
  const source = new EventSource(url);
  const tell = (kind, payload) => listeners.get(url)?.forEach((listener) => listener[kind]?.(payload));
  source.onopen = () => tell("open");
  source.onerror = () => tell("down");
  source.onmessage = (event) => tell("message", JSON.parse(event.data));
  direct.set(url, source);
}

function stop(url) {
  if (port) port.postMessage({ kind: "leave", url });
  direct.get(url)?.close();
  direct.delete(url);
}
