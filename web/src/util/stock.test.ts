import { expect, test } from "vitest";
import { calibrationState, supplyState } from "./stock";

const now = new Date("2026-11-30T12:00:00Z");

test("a calibration past its due date is stale, whatever the device says", () => {
  expect(calibrationState({ status: "valid", due: "2026-11-30T11:59:59Z" }, now).says).toBe("stale");
  expect(calibrationState({ status: "invalid", due: "2027-01-01T00:00:00Z" }, now).says).toBe("invalid");
  expect(calibrationState({ status: "due", due: "2026-12-01T00:00:00Z" }, now).tone).toBe("wait");
  expect(calibrationState({ status: "valid" }, now).tone).toBe("good");
});

test("a supply below its mark is low, and at nothing used up", () => {
  expect(supplyState({ level: 95, low: 96 }).says).toBe("low");
  expect(supplyState({ level: 96, low: 96 }).says).toBe("enough");
  expect(supplyState({ level: 0 }).says).toBe("used up");
});
