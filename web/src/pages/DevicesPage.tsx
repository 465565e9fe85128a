import { Button } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { answer, api, type Device, type ParamSpec } from "../api/client";
import { useDevices } from "../api/queries";
import { Bar, ErrorNote, Loading, Tag, Time, type Tone } from "../ui/basics";
import { Disputes, Quarantine, Stock, Telemetry } from "../ui/Fleet";
import { Icon, type IconName } from "../ui/Icon";
import { byLoudness, faultTone, needsSomebody, todo } from "../util/advice";
import { num, plural, unitLabel, words } from "../util/format";

const looks: Record<string, { tone: Tone; icon: IconName }> = {
  starting: { tone: "off", icon: "wait" },
  idle: { tone: "good", icon: "check" },
  busy: { tone: "run", icon: "play" },
  paused: { tone: "wait", icon: "pause" },
  safe: { tone: "wait", icon: "pause" },
  stopped: { tone: "bad", icon: "stop" },
  fault: { tone: "bad", icon: "warn" },
};

export function DevicesPage() {
  const devices = useDevices();
  const all = devices.data ?? [];
  const calling = all.filter(needsSomebody);
  const online = all.filter((d) => d.conn === "online").length;
  return (
    <div className="stack">
      <div className="pagehead" style={{ marginBottom: 0 }}>
        <div>
          <h1>Devices</h1>
          {devices.data && <div className="muted">{online} of {all.length} online{all.some((d) => d.simulated) && `, ${all.filter((d) => d.simulated).length} simulated`}</div>}
        </div>
        {calling.length > 0 && (
          <div className="row tight small">
            <Tag tone="wait" icon="warn">{plural(calling.length, "device")} to see to</Tag>
            {calling.map((d) => <a key={d.id} href={`#device-${encodeURIComponent(d.id)}`} className="target">{d.id}</a>)}
          </div>
        )}
      </div>
      {devices.isError && <ErrorNote error={devices.error} what="The devices cannot be listed" retry={() => void devices.refetch()} />}
      {devices.isPending && <Loading />}
      {devices.data && !all.length && (
        <section className="card empty">
          <h2 style={{ fontSize: 18, margin: 0 }}>No device has announced itself</h2>
          <p className="muted">A device appears here when it publishes its description on the broker.</p>
        </section>
      )}
      <Disputes />
      <div className="devices">{all.map((d) => <DeviceCard key={d.id} d={d} />)}</div>
      <Quarantine />
    </div>
  );
}

function DeviceCard({ d }: { d: Device }) {
  const gone = d.conn !== "online";
  const look = gone ? { tone: "off" as const, icon: "dash" as const } : (looks[d.op] ?? { tone: "off" as const, icon: "dash" as const });
  return (
    <section className="card" aria-label={d.id} data-device={d.id} id={`device-${d.id}`}>
      <header>
        <div>
          <h2>{d.id}</h2>
          <span className="muted small">{d.title || d.kind}</span>
        </div>
        <div className="row tight">
          {d.simulated && <span className="pill">simulated</span>}
          <Tag {...look}>{gone ? words(d.conn) : words(d.op)}</Tag>
        </div>
      </header>
      <div className="body stack" style={{ gap: 10 }}>
        {d.active.map((a) => (
          <div key={a.id} className="nowitem">
            <div className="row between small tight">
              <span><strong>{a.name ?? "command"}</strong> {words(a.state)}</span>
              <span>{d.campaign && d.number ? <Link href={`/campaigns/${d.campaign}/experiments/${d.number}`}>experiment {d.number}</Link> : null} {Math.round((a.progress ?? 0) * 100)} %</span>
            </div>
            <Bar value={a.progress ?? 0} of={1} label={`Progress of ${a.name ?? "the command"} on ${d.id}`} />
          </div>
        ))}
        {!d.active.length && d.experiment && d.campaign && <span className="small">reserved for <Link href={`/campaigns/${d.campaign}/experiments/${d.number}`}>experiment {d.number}</Link></span>}
        <Trouble d={d} />
        <dl className="kv small">
          <dt>Connection</dt><dd>{d.conn}, heard <Time at={d.seen_at} /></dd>
          <dt>Mode</dt><dd>{d.mode}{d.mode !== "remote" && " (takes no commands from here)"}</dd>
          <dt>Kind</dt><dd>{d.kind}</dd>
        </dl>
        <Stock d={d} />
        {(d.streams?.length ?? 0) > 0 && <Telemetry id={d.id} />}
        <details>
          <summary>{d.capabilities.length === 1 ? `Capability ${d.capabilities[0]?.name}` : `${d.capabilities.length} capabilities`}</summary>
          {d.capabilities.map((c) => (
            <div key={c.name} style={{ marginTop: 6 }}>
              {c.commands.map((k) => (
                <div key={k.name} style={{ marginBottom: 6 }}>
                  <span className="mono">{c.name}.{k.name}</span>
                  {k.typical_s ? <span className="muted small"> about {num(k.typical_s, 3)} s</span> : null}
                  <dl className="kv small">
                    {k.params.map((p) => <Spec key={p.name} p={p} />)}
                    {k.results?.map((p) => <Spec key={p.name} p={p} result />)}
                  </dl>
                </div>
              ))}
            </div>
          ))}
        </details>
        <StopDevice d={d} />
      </div>
    </section>
  );
}

/** What is wrong with a device, the loudest first, and what to do about it. */
function Trouble({ d }: { d: Device }) {
  const says = todo(d);
  return (
    <>
      {byLoudness(d.faults ?? []).map((f) => (
        <div key={f.code} className="note" data-tone={faultTone(f.level)}>
          <div className="row between tight"><strong>{words(f.code)}</strong><span className="small">{f.level}</span></div>
          {f.text}
        </div>
      ))}
      {says.length > 0 && (
        <div className="todo small" role="note" aria-label={`What to do about ${d.id}`}>
          <strong>What to do</strong>
          {says.length === 1 ? <div>{says[0]}</div> : <ul className="points">{says.map((x) => <li key={x}>{x}</li>)}</ul>}
        </div>
      )}
    </>
  );
}

function Spec({ p, result }: { p: ParamSpec; result?: boolean }) {
  const range = p.enum?.join(", ") ?? (p.min != null || p.max != null ? `${p.min != null ? num(p.min) : "…"} to ${p.max != null ? num(p.max) : "…"}` : p.type);
  return <><dt>{result ? "→ " : ""}{p.name}{p.required && !result ? " *" : ""}</dt><dd>{range} {unitLabel(p.unit)}</dd></>;
}

function StopDevice({ d }: { d: Device }) {
  const [error, setError] = useState<unknown>();
  const [asked, setAsked] = useState(false);
  const stopped = d.op === "stopped";
  const call = async (what: "stop" | "reset" | "pause" | "resume") => {
    setError(undefined);
    setAsked(true);
    const path = { params: { path: { id: d.id } }, body: {} };
    try {
      await answer({
        stop: () => api.POST("/devices/{id}/stop", path),
        reset: () => api.POST("/devices/{id}/reset", path),
        pause: () => api.POST("/devices/{id}/pause", path),
        resume: () => api.POST("/devices/{id}/resume", path),
      }[what]());
    } catch (e) {
      setError(e);
    } finally {
      setAsked(false);
    }
  };
  return (
    <div>
      <div className="row">
        <Button size="xs" variant="default" styles={{ root: { color: "var(--bad)" } }} leftSection={<Icon name="stop" size={14} />} onClick={() => void call("stop")} loading={asked}>Software stop</Button>
        {d.op === "paused"
          ? <Button size="xs" variant="default" leftSection={<Icon name="play" size={14} />} onClick={() => void call("resume")}>Resume</Button>
          : !stopped && <Button size="xs" variant="default" leftSection={<Icon name="pause" size={14} />} onClick={() => void call("pause")} disabled={d.conn !== "online"}>Pause</Button>}
        {stopped && <Button size="xs" variant="default" leftSection={<Icon name="reset" size={14} />} onClick={() => void call("reset")}>Reset</Button>}
        {stopped && <span className="small muted">stays stopped until reset</span>}
      </div>
      {error !== undefined && <ErrorNote error={error} what="The request was refused" />}
    </div>
  );
}
