import { Link } from "wouter";
import type { Device } from "../api/client";
import { useWaits } from "../api/queries";
import { plural } from "../util/format";
import { Bar, Card, Time } from "./basics";

const waitsShown = 5;

/** What the devices do for a campaign at this moment, and what its steps wait for. */
export function NowStrip({ id, devices, alive }: { id: string; devices: Device[]; alive: boolean }) {
  const mine = devices.filter((d) => d.campaign === id);
  const waits = useWaits(id, alive);
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
      {waits.length > 0 && (
        <ul className="waits small" aria-label="What steps wait for">
          {waits.slice(0, waitsShown).map((w) => (
            <li key={`${w.experiment_id}/${w.step}`}>
              <Link href={`/campaigns/${id}/experiments/${w.number}`}>#{w.number}</Link> {w.step}: {w.why} <span className="muted">(<Time at={w.since} />)</span>
            </li>
          ))}
          {waits.length > waitsShown && <li className="muted">and {plural(waits.length - waitsShown, "other step")}: athanor campaign waits {id}</li>}
        </ul>
      )}
    </Card>
  );
}
