import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Live } from "../api/live";
import { queryClient } from "../api/queries";
import { openStream, type Stream } from "../api/stream";

/** Whether what the page shows is what happens, and since when not. */
export type Link = { live: boolean; lostSince: number | undefined; retry: () => void };

const LinkContext = createContext<Link>({ live: false, lostSince: undefined, retry: () => undefined });
export const useLink = () => useContext(LinkContext);

/** Holds the one stream of events and keeps what the page shows up to it. */
export function LinkProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<{ live: boolean; lostSince: number | undefined }>({ live: false, lostSince: undefined });
  const stream = useRef<Stream | undefined>(undefined);
  useEffect(() => {
    const live = new Live(queryClient);
    let lost = false;
    const s = openStream((m) => {
      switch (m.type) {
        case "live":
          setState({ live: true, lostSince: undefined });
          // Events resume where they broke off; what a restarted server may have
          // lost or gained otherwise is asked for anew.
          if (lost) void queryClient.invalidateQueries();
          lost = false;
          break;
        case "lost":
          lost = true;
          setState({ live: false, lostSince: m.since });
          break;
        case "events":
          live.add(m.events);
          break;
      }
    });
    stream.current = s;
    return () => s.stop();
  }, []);
  const retry = useCallback(() => {
    stream.current?.retry();
    void queryClient.invalidateQueries();
  }, []);
  const link = useMemo(() => ({ ...state, retry }), [state, retry]);
  return <LinkContext value={link}>{children}</LinkContext>;
}
