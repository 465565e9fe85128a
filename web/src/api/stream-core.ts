import type { LabEvent } from "./client";

/** What a tab hears of the laboratory's log. */
export type StreamMessage = { type: "live" } | { type: "lost"; since: number } | { type: "events"; events: LabEvent[] };

const kinds = ["campaign", "plan", "experiment", "command", "device"] as const;

/**
 * Follows the log for as long as the page lives. The browser resumes a broken
 * stream by itself, from the last id; where it gives up, we begin again from there.
 */
export function follow(url: string, tell: (m: StreamMessage) => void): { status: () => StreamMessage; retry: () => void } {
  let last = "";
  let status: StreamMessage = { type: "lost", since: Date.now() };
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (m: StreamMessage) => {
    status = m;
    tell(m);
  };
  const open = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(last ? `${url}?after=${last}` : url);
    source.addEventListener("hello", (e) => {
      last = e.lastEventId;
      say({ type: "live" });
    });
    for (const kind of kinds) {
      source.addEventListener(kind, (e) => {
        last = e.lastEventId;
        tell({ type: "events", events: [JSON.parse(e.data as string) as LabEvent] });
      });
    }
    source.onerror = () => {
      if (status.type === "live") say({ type: "lost", since: Date.now() });
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 2000);
    };
  };
  open();
  return { status: () => status, retry: open };
}
