import { Link } from "wouter";
import type { Device } from "../api/client";
import { Bar, Card } from "./basics";

/** What the devices do for a campaign at this moment. */
export function NowStrip({ id, devices }: { id: string; devices: Device[] }) {
  const mine = devices.filter((d) => d.campaign === id);
  return (
    <Card title="Now" right={<Link href="/devices" className="small">All devices</Link>}>
      {!mine.length && <p className="muted small" style={{ margin: 0 }}>No device is at work for this campaign.</p>}
      <div className="now">
        {mine.map((d) => {
          const a = d.active[0];
          return (
            <div className="nowitem" key={d.id}>
              <div className="row between tight">
                <strong className="nowrap">{d.id}</strong>
                {d.number ? <Link href={`/campaigns/${id}/experiments/${d.number}`}>#{d.number}</Link> : null}
              </div>
              <Bar value={a?.progress ?? 0} of={1} label={`Progress of ${a?.name ?? "the command"} on ${d.id}`} />
              <span className="muted small">{a ? `${a.name ?? "working"}, ${Math.round((a.progress ?? 0) * 100)} %` : "reserved, waits"}</span>
            </div>
          );
        })}
      </div>
    </Card>
  );
}
