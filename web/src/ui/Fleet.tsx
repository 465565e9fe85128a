import { Button, SegmentedControl } from "@mantine/core";
import { type ReactNode, useMemo, useState } from "react";
import type uPlot from "uplot";
import { Link } from "wouter";
import { answer, api, type Device, type Dispute, type Series } from "../api/client";
import { keys, queryClient, useHandovers, useQuarantine, useTelemetry } from "../api/queries";
import { calibrationState, supplyState } from "../util/stock";
import { num, plural, unitLabel, words } from "../util/format";
import { useNow } from "../hooks/useNow";
import { ActDialog } from "./ActDialog";
import { ErrorNote, Tag, Time } from "./basics";
import { Icon } from "./Icon";
import { axes, type Ink, Plot, roomy } from "./Plot";

/** Slots, calibrations and what is used up, with a warning where somebody should do something. */
export function Stock({ d }: { d: Device }) {
  const now = useNow(60_000);
  const { slots = [], calibrations = [], supplies = [] } = d;
  if (!slots?.length && !calibrations?.length && !supplies?.length) return null;
  return (
    <dl className="kv small" aria-label={`Slots, calibrations and supplies of ${d.id}`}>
      {calibrations?.map((c) => {
        const s = calibrationState(c, now);
        return <Pair key={`c${c.name}`} name={`Calibration ${c.name}`}>{s.tone === "good" ? null : <><Tag tone={s.tone} icon="warn">{s.says}</Tag>{" "}</>}{c.due ? <>due <time dateTime={c.due} title={new Date(c.due).toLocaleString()}>{new Date(c.due).toLocaleDateString()}</time></> : c.status}</Pair>;
      })}
      {supplies?.map((x) => {
        const s = supplyState(x);
        return <Pair key={`s${x.name}`} name={words(x.name)}>{num(x.level, 4)}{counted(x.unit)}{x.lot ? `, lot ${x.lot}` : ""}{s.tone === "good" ? null : <>{" "}<Tag tone={s.tone} icon="warn">{s.says}</Tag></>}</Pair>;
      })}
      {slots?.length ? <Pair name={plural(slots.length, "slot")}><span className="slots">{slots.map((s) => <Slot key={s.slot} s={s} />)}</span></Pair> : null}
    </dl>
  );
}

/** A unit after its number; UCUM's annotations, as {tip}, only say what is counted, and so does the name. */
const counted = (unit: string) => (/^\{.*\}$/.test(unit) ? "" : ` ${unitLabel(unit)}`);

function Pair({ name, children }: { name: string; children: ReactNode }) {
  return <><dt>{name}</dt><dd>{children}</dd></>;
}

function Slot({ s }: { s: NonNullable<Device["slots"]>[number] }) {
  const holds = s.sample ? `holds ${s.sample}${s.sensed ? ", seen by a sensor" : ""}` : "empty";
  const says = `${s.slot}: ${holds}${s.token ? ", out under a handover" : ""}`;
  return <span className="slot mono" data-full={s.sample ? "" : undefined} data-out={s.token ? "" : undefined} title={says} aria-label={says}>{s.slot}{s.sample ? " ●" : ""}{s.token ? " ⇄" : ""}</span>;
}

/** What a device has measured in the last hour: the latest values, and a small chart of each quantity. */
export function Telemetry({ id }: { id: string }) {
  const [open, setOpen] = useState(false);
  const series = useTelemetry(id, open);
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Telemetry, the last hour</summary>
      {series.isError && <ErrorNote error={series.error} what="The telemetry cannot be read" retry={() => void series.refetch()} />}
      {series.data && !series.data.length && <p className="muted small">Nothing was measured in the last hour.</p>}
      {series.data?.map((s) => <Chart key={`${s.stream}/${s.column}`} id={id} s={s} />)}
    </details>
  );
}

function Chart({ id, s }: { id: string; s: Series }) {
  const unit = unitLabel(s.unit);
  const last = s.points.at(-1);
  const data = useMemo<[number[], number[]]>(() => [s.points.map((p) => Date.parse(p.at) / 1000), s.points.map((p) => p.mean)], [s]);
  const options = useMemo(() => chart(unit), [unit]);
  if (!last) return null;
  return (
    <div>
      <div className="row between tight small"><strong>{s.column}</strong><span><span className="mono">{num(last.mean, 4)} {unit}</span> <span className="muted"><Time at={last.at} /></span></span></div>
      <Plot data={data} options={options} height={130} label={`${s.column} of ${id} over the last hour, ${plural(s.points.length, "point")}, latest ${num(last.mean, 4)} ${unit}.`}
        readout={(i) => { const p = s.points[i]; return p ? `${new Date(p.at).toLocaleTimeString()}: ${num(p.mean, 4)} ${unit}${p.n > 1 ? ` (${num(p.min, 4)} to ${num(p.max, 4)})` : ""}` : ""; }} />
    </div>
  );
}

const clock = (t: number) => new Date(t * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function chart(unit: string) {
  return (c: Ink) => {
    const [x = {}, y = {}] = axes(c, "", unit);
    return {
      scales: { x: { time: true }, y: { range: roomy } },
      axes: [{ ...x, size: 26, labelSize: 0, values: (_: uPlot, v: number[]) => v.map(clock), space: 70 }, { ...y, space: 30 }],
      series: [{}, { stroke: c.accent, width: 2, points: { show: false } }],
    };
  };
}

/** Handovers in dispute: the two devices do not agree where a sample is, and a person says. */
export function Disputes() {
  const all = useHandovers().data?.filter((h) => h.state === "uncertain") ?? [];
  if (!all.length) return null;
  return (
    <section className="needs" aria-label="Handovers in dispute">
      <div className="row tight" style={{ padding: "9px 14px 0" }}>
        <Icon name="question" /> <h2 style={{ margin: 0 }}>Where is the sample? ({all.length})</h2>
      </div>
      {all.map((h) => <DisputeRow key={h.token} h={h} />)}
    </section>
  );
}

const place = (p: Dispute["from"]) => `${p.device}, slot ${p.slot}`;

function DisputeRow({ h }: { h: Dispute }) {
  const [open, setOpen] = useState(false);
  const [where, setWhere] = useState<"from" | "to" | "lost">("from");
  const side = (s: string | undefined) => (s ? words(s) : "no answer");
  return (
    <div className="ask">
      <div className="grow">
        <strong>Sample <span className="mono">{h.sample}</span></strong> is in {place(h.from)} or in {place(h.to)}: what giving came to: {side(h.gave)}; taking: {side(h.took)}
        {h.campaign_id && h.number ? <>, <Link href={`/campaigns/${h.campaign_id}/experiments/${h.number}`}>experiment {h.number}</Link></> : null} (<Time at={h.opened_at} />). Both slots are blocked until somebody looks.
      </div>
      <div className="row"><Button size="xs" onClick={() => setOpen(true)}>Say where it is…</Button></div>
      <ActDialog open={open} onClose={() => setOpen(false)} title="Where is the sample?" confirm="Record what I saw" required reasonLabel="What did you see?"
        text="Nobody but you can tell. Look at both slots before you answer; both devices go on from what you say."
        act={(a) => answer(api.POST("/handovers/{token}/resolve", { params: { path: { token: h.token } }, body: { ...a, where } })).then(() => { void queryClient.invalidateQueries({ queryKey: keys.handovers }); void queryClient.invalidateQueries({ queryKey: keys.devices }); void queryClient.invalidateQueries({ queryKey: keys.questions }); })}>
        <SegmentedControl fullWidth orientation="vertical" value={where} onChange={(v) => setWhere(v === "to" || v === "lost" ? v : "from")} aria-label="Where the sample is"
          data={[{ value: "from", label: place(h.from) }, { value: "to", label: place(h.to) }, { value: "lost", label: "In neither: it is lost" }]} />
      </ActDialog>
    </div>
  );
}

/** What devices said and nobody believed. */
export function Quarantine() {
  const all = useQuarantine().data ?? [];
  if (!all.length) return null;
  return (
    <section className="card" aria-label="Messages in quarantine">
      <header><h2>Quarantine</h2><span className="muted small">{plural(all.length, "message")} that devices sent and nobody believed, newest first</span></header>
      <div className="body stack" style={{ gap: 8 }}>
        {all.map((q, i) => (
          <details key={`${q.at}${q.topic}${i}`}>
            <summary style={{ color: "inherit" }}><strong>{q.device}</strong> <Time at={q.at} />: {q.reason}</summary>
            <div className="small muted mono" style={{ overflowWrap: "anywhere" }}>{q.topic}, {plural(q.size, "byte")}</div>
            <pre className="small" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere", margin: 0 }}>{q.text}</pre>
          </details>
        ))}
      </div>
    </section>
  );
}
