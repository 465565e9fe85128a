import { describe, expect, it } from "vitest";
import type { ReadFinding, ReadPaper } from "../api/client";
import { changed, flow, formOf, screeningKey, toJudge } from "./reading";

const paper = (id: string, label = ""): ReadPaper => ({ id, label, title: id, abstract: "", doi: "", year: 2020, relevance: 0.5, claims: 0, credibility: null });
const on = (inside: string[]) => ({ closest: (selector: string) => (selector.split(", ").some((s) => inside.includes(s)) ? {} : null) }) as unknown as EventTarget;
const press = (key: string, more: Partial<KeyboardEvent> = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, target: on([]), ...more });

describe("toJudge", () => {
  it("takes the first that nobody judged", () => {
    expect(toJudge([paper("a", "relevant"), paper("b"), paper("c")], new Map())?.id).toBe("b");
    expect(toJudge([paper("a"), paper("b")], new Map([["a", "unsure"]]))?.id).toBe("b");
    expect(toJudge([paper("a", "relevant")], new Map())).toBeUndefined();
  });
  it("comes back to one that was taken back, even before the server says so", () => {
    expect(toJudge([paper("a", "relevant"), paper("b")], new Map([["a", "unread"]]))?.id).toBe("a");
  });
});

describe("screeningKey", () => {
  it.each([["y", "relevant"], ["N", "irrelevant"], ["u", "unsure"], ["z", "undo"], ["x", undefined]])("%s is %s", (key, want) => {
    expect(screeningKey(press(key), true)).toBe(want);
  });
  it.each([
    ["single keys are off", press("y"), false],
    ["with a modifier", press("y", { ctrlKey: true }), true],
    ["held down", press("y", { repeat: true }), true],
    ["in a field", press("y", { target: on(["input"]) }), true],
    ["in a dialog", press("n", { target: on(["[role=dialog]"]) }), true],
  ])("says nothing when %s", (_, e, active) => {
    expect(screeningKey(e, active)).toBeUndefined();
  });
});

describe("flow", () => {
  it("puts reasons under what they explain", () => {
    expect(flow([{ step: "identified", works: 9 }, { step: "excluded", works: 3 }, { step: "excluded: too far", works: 2 }, { step: "excluded: by a person", works: 1 }, { step: "included", works: 6 }])).toEqual([
      { step: "identified", works: 9, reasons: [] },
      { step: "excluded", works: 3, reasons: [{ why: "too far", works: 2 }, { why: "by a person", works: 1 }] },
      { step: "included", works: 6, reasons: [] },
    ]);
  });
});

describe("changed", () => {
  const found: ReadFinding = { id: "f", paper: "a", extractor: "rules/1", status: "found", parameter: "temperature", value: 105, high: 105, unit: "Cel", operation: "", outcome: false, sets: "temperature", outside: false, passage: [], words: [] };
  it("sends only what differs from what was found", () => {
    expect(changed(found, { ...formOf(found), value: "110,5", high: "120" })).toEqual({ fields: { value: 110.5, high: 120 } });
    expect(changed(found, { ...formOf(found), outcome: true, parameter: " yield " })).toEqual({ fields: { outcome: true, parameter: "yield" } });
    expect(changed({ ...found, status: "corrected", value: 110, high: 110, was: found }, { ...formOf(found), value: "110", unit: "K" })).toEqual({ fields: { value: 110, high: 110, unit: "K" } });
  });
  it("moves the end of what is no range with its value", () => {
    expect(changed(found, { ...formOf(found), value: "110" })).toEqual({ fields: { value: 110, high: 110 } });
  });
  it.each([["no number", { value: "warm" }, /no number/], ["no end", { high: "x" }, /other end/], ["no name", { parameter: " " }, /name/], ["nothing", {}, /Nothing differs/]])("refuses %s", (_, part, why) => {
    expect(changed(found, { ...formOf(found), ...part })).toEqual({ wrong: expect.stringMatching(why) as string });
  });
});
