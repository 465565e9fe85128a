import { describe, expect, it } from "vitest";
import type { Progress, Row } from "./client";
import { mergeRows, ranges, wholeDevice, wholeProgress, withProgress } from "./live";

const row = (number: number, state: Row["state"]): Row => ({ id: `exp_${number}`, plan_id: "pln_1", number, state, settings: [], predictions: [], observed: [], reason: "" });
const progress = (at: string, done: number): Progress => ({ state: "running", rounds: 1, planned: 1, done, failures: 0, best: [], updated_at: at });

it("puts newer rows in place of older ones, in order", () => {
  const merged = mergeRows([row(1, "succeeded"), row(3, "running")], [row(3, "succeeded"), row(2, "running")]);
  expect(merged.map((r) => `${r.number} ${r.state}`)).toEqual(["1 succeeded", "2 running", "3 succeeded"]);
});

it("keeps the same rows when nothing is new", () => {
  const rows = [row(1, "running")];
  expect(mergeRows(rows, [])).toBe(rows);
});

it("does not go back to an older state", () => {
  const c = { progress: progress("2026-11-22T12:00:05.5Z", 5) };
  expect(withProgress(c, progress("2026-11-22T12:00:05.1Z", 4))).toBe(c);
  expect(withProgress(c, progress("2026-11-22T12:00:06Z", 6)).progress.done).toBe(6);
});

describe("ranges", () => {
  it.each([
    [[], []],
    [[5], [{ after: 4, count: 1 }]],
    [[5, 6, 5, 9], [{ after: 4, count: 5 }]],
    [[100, 1], [{ after: 0, count: 1 }, { after: 99, count: 1 }]],
  ])("%j", (numbers, want) => expect(ranges(numbers)).toEqual(want));
});

it("bears events whose lists are absent", () => {
  expect(wholeProgress({ ...progress("2026-11-22T12:00:00Z", 0), best: null as never }).best).toEqual([]);
  const d = wholeDevice({ id: "x", active: null, capabilities: null } as never);
  expect([d.active, d.capabilities]).toEqual([[], []]);
});
