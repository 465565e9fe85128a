import type { Document, Objective, Prediction, Row } from "../api/client";

/** What the plots of one objective draw, in order of experiment number. Absent values are null. */
export type Trace = {
  number: number[];
  measured: (number | null)[];
  best: (number | null)[];
  mean: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
};

export const observed = (r: Row, objective: string): number | undefined => r.observed.find((m) => m.name === objective)?.value;
export const predicted = (r: Row, objective: string): Prediction | undefined => r.predictions.find((p) => p.objective === objective);

export const better = (direction: Objective["direction"], a: number, b: number): boolean => (direction === "minimize" ? a < b : a > b);

export type Fidelity = Document["plan"]["fidelity"];

/** Whether an experiment counts for the answer: where there is a fidelity, those at its target do. */
export const judged = (r: Row, f: Fidelity): boolean => !f || r.settings.find((s) => s.name === f.parameter)?.value === f.target;

/** The trace of an objective over all experiments that have a value or a prediction. */
export function traceOf(rows: Row[], o: Objective, f?: Fidelity): Trace {
  const t: Trace = { number: [], measured: [], best: [], mean: [], low: [], high: [] };
  let best: number | null = null;
  for (const r of rows) {
    const y = observed(r, o.name);
    const p = predicted(r, o.name);
    if (y === undefined && !p) continue;
    if (y !== undefined && judged(r, f) && (best === null || better(o.direction, y, best))) best = y;
    t.number.push(r.number);
    t.measured.push(y ?? null);
    t.best.push(best);
    t.mean.push(p?.mean ?? null);
    t.low.push(p?.low ?? null);
    t.high.push(p?.high ?? null);
  }
  return t;
}

export type Calibration = {
  /** Experiments with both a prediction and a value. */
  n: number;
  /** Share of values inside their predicted 95 % interval. */
  coverage: number;
  rmse: number;
};

/** How well the predictions that were made before the experiments held. */
export function calibrationOf(t: Trace): Calibration {
  let n = 0;
  let inside = 0;
  let squares = 0;
  t.measured.forEach((y, i) => {
    const mean = t.mean[i];
    const low = t.low[i];
    const high = t.high[i];
    if (y === null || mean == null || low == null || high == null) return;
    n++;
    if (y >= low && y <= high) inside++;
    squares += (y - mean) ** 2;
  });
  return { n, coverage: n ? inside / n : NaN, rmse: n ? Math.sqrt(squares / n) : NaN };
}

/** The experiments that no other beats in both objectives, by the first one's value. */
export function paretoOf(rows: Row[], a: Objective, b: Objective, f?: Fidelity): Row[] {
  const points = rows.filter((r) => judged(r, f)).flatMap((r) => {
    const x = observed(r, a.name);
    const y = observed(r, b.name);
    return x === undefined || y === undefined ? [] : [{ r, x, y }];
  });
  points.sort((p, q) => (p.x === q.x ? (better(b.direction, p.y, q.y) ? -1 : 1) : better(a.direction, p.x, q.x) ? -1 : 1));
  const front: typeof points = [];
  for (const p of points) {
    const last = front.at(-1);
    if (!last || better(b.direction, p.y, last.y)) front.push(p);
  }
  return front.sort((p, q) => p.x - q.x).map((p) => p.r);
}

/** Seconds until the budget is used, as the last experiments went; undefined where nothing can be said. */
export function remaining(rows: Row[], budget: number, now: number): number | undefined {
  const ends = rows.flatMap((r) => (r.finished_at ? [Date.parse(r.finished_at)] : [])).sort((a, b) => a - b).slice(-20);
  const first = ends[0];
  const done = rows.filter((r) => r.finished_at).length;
  if (ends.length < 4 || first === undefined || done >= budget) return undefined;
  return ((now - first) / 1000 / (ends.length - 1)) * (budget - done);
}
