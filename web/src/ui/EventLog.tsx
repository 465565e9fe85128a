import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { fetchLog, keys, logPage } from "../api/queries";
import { type Level, notable, sentence, within } from "../util/events";
import { Card, ErrorNote, Loading, Time } from "./basics";

/** A campaign's part of the log, newest first. */
export function EventLog({ id }: { id: string }) {
  const [level, setLevel] = useState<Level>("experiment");
  const log = useInfiniteQuery({
    queryKey: keys.log(id),
    queryFn: ({ pageParam }) => fetchLog(id, pageParam),
    initialPageParam: 0,
    getNextPageParam: (last) => (last.length < logPage ? undefined : last.at(-1)?.seq),
  });
  const all = log.data?.pages.flat() ?? [];
  const shown = (level === "command" ? all : notable(all)).filter((e) => within(e, level));
  return (
    <Card title="Events" flush right={
      <SegmentedControl size="xs" value={level} onChange={(v) => setLevel(v as Level)} data={[{ value: "campaign", label: "Campaign" }, { value: "experiment", label: "Experiments" }, { value: "command", label: "Everything" }]} aria-label="How much of the log" />
    }>
      {log.isPending && <div style={{ padding: 14 }}><Loading /></div>}
      {log.isError && <ErrorNote error={log.error} what="The log cannot be read" retry={() => void log.refetch()} />}
      {log.isSuccess && !shown.length && <p className="muted" style={{ padding: "0 14px 10px" }}>Nothing of this kind {all.length ? "among the newest events" : "has happened yet"}.</p>}
      <ol className="log">
        {shown.map((e) => (
          <li key={e.seq}>
            <span className="muted"><Time at={e.at} how="clock" /></span>
            <span>{e.number && e.kind !== "campaign" ? <Link href={`/campaigns/${id}/experiments/${e.number}`}>#{e.number}</Link> : null} {sentence(e)}</span>
            <span className="muted small mono">{e.device}</span>
          </li>
        ))}
      </ol>
      {log.hasNextPage && (
        <div style={{ padding: 12 }}>
          <Button size="xs" variant="default" loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>Older events</Button>
        </div>
      )}
    </Card>
  );
}
