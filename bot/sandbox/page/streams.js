// The shared worker behind live.js: one event stream for each address, however many tabs follow it.

const streams = new Map();

function tell(url, kind, payload) {
  for (const port of streams.get(url)?.ports ?? []) port.postMessage({ url, kind, payload });
}

function connect(url) {
  const stream = streams.get(url);
  if (!stream) return;
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

function follow(port, url) {
  const stream = streams.get(url);
  if (stream) {
    stream.ports.add(port);
    if (stream.open) port.postMessage({ url, kind: "open" });
    return;
  }
  streams.set(url, { ports: new Set([port]), source: null, open: false });
  connect(url);
}

function leave(port, url) {
  const stream = streams.get(url);
  if (!stream?.ports.delete(port) || stream.ports.size) return;
  stream.source.close();
  streams.delete(url);
}

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: { kind, url } }) => {
    if (kind === "follow") follow(port, url);
    if (kind === "leave") leave(port, url);
    if (kind === "bye") for (const followed of [...streams.keys()]) leave(port, followed);
  };
  port.start();
};
