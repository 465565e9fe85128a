import { useCallback, useMemo } from "react";
import uPlot from "uplot";
import type { Objective, Row } from "../api/client";
import { num, plural, quantity, unitLabel } from "../util/format";
import { calibrationOf, type Fidelity, observed, paretoOf, traceOf } from "../util/trace";
import { axes, type Ink, intervals, Plot, roomy } from "./Plot";

const named = (o: Objective) => {
  const u = unitLabel(o.unit);
  return u ? `${o.name} (${u})` : o.name;
};

const dots = (colour: string, size = 6): Partial<uPlot.Series> => ({ stroke: colour, width: 0, paths: () => null, points: { show: true, size, stroke: colour, fill: colour } });

/** Every observation, the best so far, and what the model expected of each experiment before it ran. */
export function BestSoFar({ rows, objective: o, fidelity: f, onOpen }: { rows: Row[]; objective: Objective; fidelity?: Fidelity; onOpen: (number: number) => void }) {
  const t = useMemo(() => traceOf(rows, o, f), [rows, o, f]);
  const data = useMemo<uPlot.AlignedData>(() => [t.number, t.low, t.high, t.mean, t.measured, t.best], [t]);
  const y = named(o);
  const options = useCallback(
    (c: Ink): Omit<uPlot.Options, "width" | "height"> => ({
      scales: { x: { time: false, range: (_, min, max) => [Math.min(min ?? 1, 1) - 0.6, Math.max(max ?? 8, 8) + 0.6] }, y: { range: roomy } },
      axes: axes(c, "experiment", y, true),
      series: [
        {},
        { stroke: "transparent", points: { show: false } },
        { stroke: "transparent", points: { show: false } },
        dots(c.mean, 3),
        dots(c.point),
        { stroke: c.best, width: 2, spanGaps: true, points: { show: false }, paths: uPlot.paths.stepped?.({ align: 1 }) },
      ],
      hooks: { drawAxes: [intervals(1, 2, c.band)] },
    }),
    [y],
  );
  const best = t.best.findLast((v) => v !== null);
  const seen = t.measured.filter((v) => v !== null).length;
  const readout = (i: number) => {
    const parts = [`#${t.number[i]}`];
    if (t.measured[i] != null) parts.push(`measured ${quantity(t.measured[i], o.unit)}`);
    if (t.mean[i] != null) parts.push(`predicted ${quantity(t.mean[i], o.unit)} (${num(t.low[i])} to ${num(t.high[i])})`);
    if (t.best[i] != null) parts.push(`best so far ${quantity(t.best[i], o.unit)}`);
    return parts.join(" · ");
  };
  if (!t.number.length) return <p className="muted small">The plot begins with the first experiment.</p>;
  return (
    <Plot
      data={data}
      options={options}
      readout={readout}
      onOpen={(i) => onOpen(t.number[i] ?? 1)}
      label={`${o.name} by experiment: ${plural(seen, "observation")}, best so far ${best === undefined ? "none" : quantity(best, o.unit)}.`}
      legend={
        <>
          <span><i className="key point" style={{ background: "var(--plot-point)" }} />measured</span>
          <span><i className="key" style={{ background: "var(--plot-best)" }} />best so far</span>
          <span><i className="key band" style={{ background: "var(--plot-band)" }} />95 % predicted before the experiment</span>
        </>
      }
    />
  );
}

/** Predictions beside what came of them; on the line they were right. */
export function Calibration({ rows, objective: o, onOpen }: { rows: Row[]; objective: Objective; onOpen: (number: number) => void }) {
  const t = useMemo(() => traceOf(rows, o), [rows, o]);
  const cal = useMemo(() => calibrationOf(t), [t]);
  const order = useMemo(
    () => t.number.map((_, i) => i).filter((i) => t.measured[i] != null && t.mean[i] != null).sort((a, b) => (t.measured[a] ?? 0) - (t.measured[b] ?? 0)),
    [t],
  );
  const data = useMemo<uPlot.AlignedData>(() => [order.map((i) => t.measured[i] ?? 0), order.map((i) => t.low[i] ?? null), order.map((i) => t.high[i] ?? null), order.map((i) => t.mean[i] ?? null)], [order, t]);
  const x = `measured ${named(o)}`;
  const y = "predicted";
  const options = useCallback(
    (c: Ink): Omit<uPlot.Options, "width" | "height"> => ({
      scales: { x: { time: false, range: roomy }, y: { range: roomy } },
      axes: axes(c, x, y),
      series: [{}, { stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } }, dots(c.mean)],
      hooks: {
        drawAxes: [
          intervals(1, 2, c.band),
          (u) => {
            const a = Math.max(u.scales.x?.min ?? 0, u.scales.y?.min ?? 0);
            const b = Math.min(u.scales.x?.max ?? 1, u.scales.y?.max ?? 1);
            if (a >= b) return;
            u.ctx.save();
            u.ctx.strokeStyle = c.text;
            u.ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
            u.ctx.lineWidth = devicePixelRatio;
            u.ctx.beginPath();
            u.ctx.moveTo(u.valToPos(a, "x", true), u.valToPos(a, "y", true));
            u.ctx.lineTo(u.valToPos(b, "x", true), u.valToPos(b, "y", true));
            u.ctx.stroke();
            u.ctx.restore();
          },
        ],
      },
    }),
    [x],
  );
  if (!cal.n) return <p className="muted small">No prediction has met its result yet. The first experiments spread over the space; a model makes the ones after.</p>;
  const summary = `${Math.round(cal.coverage * 100)} % of ${plural(cal.n, "value")} inside the 95 % interval, RMSE ${quantity(cal.rmse, o.unit, 3)}`;
  return (
    <Plot
      data={data}
      options={options}
      label={`Predicted and measured ${o.name}: ${summary}.`}
      readout={(i) => {
        const k = order[i] ?? 0;
        return `#${t.number[k]} · measured ${quantity(t.measured[k], o.unit)} · predicted ${quantity(t.mean[k], o.unit)} (${num(t.low[k])} to ${num(t.high[k])})`;
      }}
      onOpen={(i) => onOpen(t.number[order[i] ?? 0] ?? 1)}
      legend={<span>{summary}</span>}
    />
  );
}

/** Two objectives against each other, with the experiments that no other beats in both. */
export function Pareto({ rows, a, b, fidelity: f, onOpen }: { rows: Row[]; a: Objective; b: Objective; fidelity?: Fidelity; onOpen: (number: number) => void }) {
  const points = useMemo(
    () => rows.flatMap((r) => {
      const x = observed(r, a.name);
      const y = observed(r, b.name);
      return x === undefined || y === undefined ? [] : [{ n: r.number, x, y }];
    }).sort((p, q) => p.x - q.x),
    [rows, a, b],
  );
  const front = useMemo(() => new Set(paretoOf(rows, a, b, f).map((r) => r.number)), [rows, a, b, f]);
  const data = useMemo<uPlot.AlignedData>(
    () => [points.map((p) => p.x), points.map((p) => (front.has(p.n) ? null : p.y)), points.map((p) => (front.has(p.n) ? p.y : null))],
    [points, front],
  );
  const x = `${named(a)}, ${a.direction}`;
  const y = `${named(b)}, ${b.direction}`;
  const options = useCallback(
    (c: Ink): Omit<uPlot.Options, "width" | "height"> => ({
      scales: { x: { time: false, range: roomy }, y: { range: roomy } },
      axes: axes(c, x, y),
      series: [{}, dots(c.running, 5), { stroke: c.best, width: 1.5, spanGaps: true, points: { show: true, size: 8, stroke: c.best, fill: c.best } }],
    }),
    [x, y],
  );
  if (!points.length) return <p className="muted small">No experiment has both values yet.</p>;
  return (
    <Plot
      data={data}
      options={options}
      label={`Trade-off of ${a.name} and ${b.name}: ${plural(front.size, "experiment")} of ${points.length} that no other beats in both.`}
      readout={(i) => {
        const p = points[i];
        return p ? `#${p.n} · ${a.name} ${quantity(p.x, a.unit)} · ${b.name} ${quantity(p.y, b.unit)}${front.has(p.n) ? " · on the front" : ""}` : "";
      }}
      onOpen={(i) => onOpen(points[i]?.n ?? 1)}
      legend={
        <>
          <span><i className="key point" style={{ background: "var(--plot-best)" }} />Pareto front ({front.size})</span>
          <span><i className="key point" style={{ background: "var(--plot-rest)" }} />the others</span>
        </>
      }
    />
  );
}
