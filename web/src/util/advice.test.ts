import { describe, expect, it } from "vitest";
import { byLoudness, faultTone, needsSomebody, todo } from "./advice";

const well = { id: "d", conn: "online", op: "idle", mode: "remote" };

describe("todo", () => {
  it("says nothing of a device that is well", () => {
    expect(todo(well)).toEqual([]);
    expect(needsSomebody(well)).toBe(false);
    expect(needsSomebody({ ...well, faults: [{ code: "door", level: "info" }] })).toBe(false);
  });
  it.each([
    [{ conn: "lost" }, /link is gone/],
    [{ conn: "offline" }, /left in order/],
    [{ op: "paused" }, /stands still/],
    [{ op: "safe" }, /safe position/],
    [{ op: "stopped" }, /reset it/],
    [{ op: "fault" }, /mend/],
    [{ mode: "local" }, /remote/],
    [{ faults: [{ code: "link", level: "warning" }] }, /cmd and ctl/],
    [{ faults: [{ code: "calibration_expired", level: "warning" }] }, /Calibrate/],
    [{ faults: [{ code: "consumable", level: "error" }] }, /Refill/],
  ])("%j has a way on", (change, want) => {
    const d = { ...well, ...change };
    expect(todo(d).join(" ")).toMatch(want);
    expect(needsSomebody(d)).toBe(true);
  });
  it("does not say what to do in a state that is old: of a lost device only the link counts", () => {
    expect(todo({ ...well, conn: "lost", op: "paused" })).toHaveLength(1);
  });
});

it("shows the loudest fault first", () => {
  expect(byLoudness([{ level: "info" }, { level: "warning" }, { level: "critical" }]).map((f) => faultTone(f.level))).toEqual(["bad", "wait", "off"]);
});
