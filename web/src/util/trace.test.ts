import { describe, expect, it } from "vitest";
import type { Objective, Row } from "../api/client";
import { calibrationOf, paretoOf, remaining, traceOf } from "./trace";

const up: Objective = { name: "yield", direction: "maximize", unit: "%" };
const down: Objective = { name: "cost", direction: "minimize", unit: "EUR/mol" };

function row(number: number, observed: Record<string, number>, prediction?: [low: number, mean: number, high: number], finished?: string): Row {
  return {
    id: `exp_${number}`, plan_id: "pln_1", number, state: Object.keys(observed).length ? "succeeded" : "failed", settings: [], reason: "",
    observed: Object.entries(observed).map(([name, value]) => ({ name, value, unit: "1" })),
    predictions: prediction ? [{ objective: "yield", mean: prediction[1], sigma: 1, low: prediction[0], high: prediction[2], unit: "%" }] : [],
    finished_at: finished,
  };
}

describe("traceOf", () => {
  const rows = [row(1, { yield: 3 }), row(2, {}), row(3, { yield: 2 }, [0, 1, 4]), row(4, {}, [5, 6, 7]), row(5, { yield: 9 })];
  it("keeps the best so far, and leaves out what says nothing", () => {
    const t = traceOf(rows, up);
    expect(t.number).toEqual([1, 3, 4, 5]);
    expect(t.measured).toEqual([3, 2, null, 9]);
    expect(t.best).toEqual([3, 3, 3, 9]);
    expect(t.low).toEqual([null, 0, 5, null]);
  });
  it("knows that less can be better", () => expect(traceOf(rows, { ...up, direction: "minimize" }).best).toEqual([3, 2, 2, 2]));
  it("judges at the target of a fidelity", () => {
    const at = (n: number, y: number, hours: number) => ({ ...row(n, { yield: y }), settings: [{ name: "hours", value: hours }] });
    const f = { parameter: "hours", target: 24 };
    expect(traceOf([at(1, 3, 24), at(2, 9, 1), at(3, 4, 24)], up, f).best).toEqual([3, 3, 4]);
  });
  it("is empty without rows", () => expect(traceOf([], up).number).toEqual([]));
});

describe("calibrationOf", () => {
  it("counts what fell inside its interval", () => {
    const t = traceOf([row(1, { yield: 2 }, [1, 3, 4]), row(2, { yield: 9 }, [1, 5, 8]), row(3, { yield: 5 }), row(4, {}, [1, 2, 3])], up);
    const c = calibrationOf(t);
    expect(c.n).toBe(2);
    expect(c.coverage).toBe(0.5);
    expect(c.rmse).toBeCloseTo(Math.sqrt((1 + 16) / 2));
  });
  it("says nothing of nothing", () => expect(calibrationOf(traceOf([], up))).toEqual({ n: 0, coverage: NaN, rmse: NaN }));
});

describe("paretoOf", () => {
  it("keeps those that no other beats in both", () => {
    const rows = [row(1, { yield: 50, cost: 5 }), row(2, { yield: 80, cost: 9 }), row(3, { yield: 40, cost: 8 }), row(4, { yield: 80, cost: 7 }), row(5, { yield: 90, cost: 20 }), row(6, { yield: 99 })];
    expect(paretoOf(rows, up, down).map((r) => r.number)).toEqual([1, 4, 5]);
  });
  it("agrees with the definition on random points", () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let trial = 0; trial < 50; trial++) {
      const rows = Array.from({ length: 30 }, (_, i) => row(i + 1, { yield: Math.round(random() * 20), cost: Math.round(random() * 20) }));
      const v = (r: Row, k: number) => r.observed[k]?.value ?? NaN;
      const dominated = (r: Row) => rows.some((s) => v(s, 0) >= v(r, 0) && v(s, 1) <= v(r, 1) && (v(s, 0) > v(r, 0) || v(s, 1) < v(r, 1)));
      const key = (r: Row) => `${v(r, 0)},${v(r, 1)}`;
      expect(new Set(paretoOf(rows, up, down).map(key))).toEqual(new Set(rows.filter((r) => !dominated(r)).map(key)));
    }
  });
});

it("tells the time left from the pace of the last ends", () => {
  const rows = Array.from({ length: 5 }, (_, i) => row(i + 1, { yield: 1 }, undefined, `2026-11-22T12:00:0${i}Z`));
  expect(remaining(rows, 15, Date.parse("2026-11-22T12:00:04Z"))).toBeCloseTo(10);
  expect(remaining(rows.slice(0, 3), 15, Date.now())).toBeUndefined();
  expect(remaining(rows, 5, Date.now())).toBeUndefined();
});
