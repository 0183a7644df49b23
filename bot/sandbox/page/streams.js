// The shared worker behind live.js: one event stream for each address, however many tabs follow it. A browser allows six
// connections to one host and the page needs some for itself, so what goes beyond LIMIT streams is read now and then instead.

const LIMIT = 4;
const NOW_AND_THEN = 1500;
const streams = new Map();

function tell(url, kind, payload) {
  for (const port of streams.get(url)?.ports ?? []) port.postMessage({ url, kind, payload });
}

function connect(url) {
  const stream = streams.get(url);
  clearInterval(stream.timer);
  stream.source = new EventSource(url);
  stream.source.onopen = () => {
    stream.open = true;
    tell(url, "open");
  };
  stream.source.onmessage = (event) => tell(url, "message", JSON.parse(event.data));
  stream.source.onerror = () => {
    stream.open = false;
    tell(url, "down");
    stream.source.close();
    setTimeout(() => streams.get(url) === stream && connect(url), 1000);
  };
}

function repeat(url) {
  const stream = streams.get(url);
  stream.open = true;
  tell(url, "open");
  stream.timer = setInterval(() => tell(url, "open"), NOW_AND_THEN);
}

const connected = () => [...streams.values()].filter(({ source }) => source).length;

function follow(port, url) {
  const stream = streams.get(url);
  if (stream) {
    stream.ports.add(port);
    if (stream.open) port.postMessage({ url, kind: "open" });
    return;
  }
  streams.set(url, { ports: new Set([port]), source: null, timer: null, open: false });
  if (connected() < LIMIT) connect(url);
  else repeat(url);
}

function leave(port, url) {
  const stream = streams.get(url);
  if (!stream?.ports.delete(port) || stream.ports.size) return;
  stream.source?.close();
  clearInterval(stream.timer);
  streams.delete(url);
  const waiting = [...streams].find(([, { source }]) => !source);
  if (waiting && connected() < LIMIT) connect(waiting[0]);
}

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: { kind, url } }) => {
    if (kind === "follow") follow(port, url);
    if (kind === "leave") leave(port, url);
    if (kind === "bye") for (const followed of [...streams.keys()]) leave(port, followed);
  };
  port.start();
};
