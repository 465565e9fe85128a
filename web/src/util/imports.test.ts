import { describe, expect, it } from "vitest";
import type { ImportColumn, ImportMapping } from "../api/client";
import { adds, asks, matching, say, texts } from "./imports";

const column = (change: Partial<ImportColumn> = {}): ImportColumn => ({ at: 1, header: "yield (%)", name: "yield", role: "objective", type: "number", confirmed: false, confidence: 0.3, question: "which unit?", candidates: ["%"], ...change });

describe("a column", () => {
  it("is confirmed by its unit in one word", () => {
    const c = say(column(), { unit: "%" });
    expect([c.confirmed, c.question, c.unit, c.unit_source]).toEqual([true, "", "%", "mapping"]);
  });
  it("asks on when its unit is missing, and not when none is needed", () => {
    expect(asks(say(column(), { role: "parameter" }))).toBe(true);
    expect(asks(say(column(), { role: "attribute" }))).toBe(false);
    expect(asks(say(column(), { role: "ignore" }))).toBe(false);
    expect(asks(say(column({ confirmed: true, unit: "Cel" }), { unit: "" }))).toBe(true);
  });
  it("is not confirmed by another name", () => expect(say(column(), { name: "y" }).confirmed).toBe(false));
});

describe("rules", () => {
  const m = { columns: [column(), column({ at: 2, header: "Comment (a+b)", name: "comment" }), column({ at: 3, header: "x", name: "x", role: "ignore" })] } as ImportMapping;
  it("match headers and names by wildcards, and nothing by signs of expressions", () => {
    expect(matching(m, "comment*").map((c) => c.at)).toEqual([2]);
    expect(matching(m, "Comment (a+b)").map((c) => c.at)).toEqual([2]);
    expect(matching(m, "*").map((c) => c.at)).toEqual([1, 2]);
    expect(matching(m, " ")).toEqual([]);
  });
  it("take texts with commas between", () => expect(texts(" calibration, test ,,test")).toEqual(["calibration", "test"]));
});

it("a ledger adds up, or not", () => {
  const c = { all: 10, mapped: 4, attributes: 1, quarantined: 2, blank: 1, ignored: 1, structure: 1 };
  expect([adds(c), adds({ ...c, mapped: 3 })]).toEqual([true, false]);
});
