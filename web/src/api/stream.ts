import { follow, type StreamMessage } from "./stream-core";

export type { StreamMessage } from "./stream-core";

export type Stream = { stop: () => void; retry: () => void };

/** Follows the log through the worker that all tabs share, or alone where there is none. */
export function openStream(tell: (m: StreamMessage) => void): Stream {
  if (typeof SharedWorker === "undefined") {
    let on = true;
    const s = follow("/api/v1/events", (m) => on && tell(m));
    return { stop: () => void (on = false), retry: s.retry };
  }
  const worker = new SharedWorker(new URL("./stream.worker.ts", import.meta.url), { type: "module", name: "athanor-stream" });
  const port = worker.port;
  port.onmessage = (m: MessageEvent<StreamMessage>) => tell(m.data);
  const bye = () => port.postMessage("bye");
  window.addEventListener("pagehide", bye);
  return {
    stop: () => {
      bye();
      window.removeEventListener("pagehide", bye);
      port.close();
    },
    retry: () => port.postMessage("retry"),
  };
}
