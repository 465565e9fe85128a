// One EventSource for all tabs: a browser opens six connections to an origin, and
// a seventh tab with a stream of its own would wait forever.
import { follow, type StreamMessage } from "./stream-core";

const ports = new Set<MessagePort>();
const stream = follow("/api/v1/events", (m: StreamMessage) => {
  for (const p of ports) p.postMessage(m);
});

const scope = globalThis as unknown as { onconnect: ((e: MessageEvent) => void) | null };
scope.onconnect = (e) => {
  const port = e.ports[0];
  if (!port) return;
  port.onmessage = (m: MessageEvent<"bye" | "retry">) => {
    if (m.data === "bye") ports.delete(port);
    else stream.retry();
  };
  ports.add(port);
  port.postMessage(stream.status());
};
