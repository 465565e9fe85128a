import { expect, it } from "vitest";
import type { LabEvent } from "../api/client";
import { notable, sentence, within } from "./events";

let seq = 100;
const event = (kind: LabEvent["kind"], data: Record<string, unknown>, number?: number): LabEvent => ({ seq: seq--, at: "2026-11-22T12:00:00Z", kind, number, data });

it("says what happened in a sentence", () => {
  expect(sentence(event("campaign", { state: "paused", reason: "lunch", done: 3, planned: 5 }))).toBe("Campaign paused: lunch (3 done of 5 planned)");
  expect(sentence(event("plan", { round: 2, proposals: 1 }))).toBe("Plan 2 proposes 1 experiment");
  expect(sentence(event("experiment", { state: "in_doubt" }, 7))).toBe("Experiment 7 in doubt");
  expect(sentence(event("command", { step: "heat", name: "hold", state: "running", progress: 0.5 }))).toBe("heat: hold running, 50 %");
  expect(sentence(event("device", { title: "Block heater", op: "idle" }))).toBe("Block heater is idle");
  expect(sentence({ ...event("command", {}), data: undefined })).toBe("command ");
});

it("shows the fewest readers the commands", () => {
  const levels = (["campaign", "experiment", "command"] as const).map((l) => [event("campaign", {}), event("experiment", {}), event("device", {})].filter((e) => within(e, l)).length);
  expect(levels).toEqual([1, 2, 3]);
});

it("leaves out that a campaign is as it was", () => {
  const log = [event("campaign", { state: "completed" }), event("experiment", {}), event("campaign", { state: "running", done: 2 }), event("campaign", { state: "running", done: 1 })];
  expect(notable(log)).toEqual([log[0], log[1], log[3]]);
});
