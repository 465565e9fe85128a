import { describe, expect, it } from "vitest";
import { ago, bytes, doiURL, duration, num, ordinal, percent, quantity, shortID, signed, unitLabel, utc, value } from "./format";

describe("unitLabel", () => {
  it.each([
    ["Cel", "°C"], ["uL", "µL"], ["umol/L", "µmol/L"], ["mol/L", "mol/L"], ["1", ""], ["%", "%"], ["EUR/mol", "EUR/mol"], ["m2", "m²"], ["kg.m/s2", "kg·m/s²"],
    ["min-1", "min⁻¹"], ["Ohm", "Ω"], ["um", "µm"], ["USD", "USD"], ["u", "u"], ["", ""], [undefined, ""],
  ])("%s is written %s", (code, want) => expect(unitLabel(code)).toBe(want));
});

describe("num", () => {
  it.each([
    [0, "0"], [84.20001, "84.2"], [1234.5678, "1235"], [0.057, "0.057"], [-3.25, "−3.25"], [1e7, "1.00e7"], [0.00001234, "1.23e−5"], [-2.5e-9, "−2.50e−9"], [999999, "999999"], [NaN, "–"], [Infinity, "–"], [null, "–"], [undefined, "–"],
  ])("%s is written %s", (x, want) => expect(num(x)).toBe(want));
  it("gives no more digits than asked for", () => expect(num(3.14159, 3)).toBe("3.14"));
});

it("puts a unit behind a number, and none behind an absent one", () => {
  expect(quantity(84.2, "%")).toBe("84.2\u202f%");
  expect(quantity(null, "%")).toBe("–");
  expect(quantity(3, "1")).toBe("3");
});

it("writes values of every type", () => {
  expect(value(90)).toBe("90");
  expect(value("KOAc")).toBe("KOAc");
  expect(value([0.5, 0.25, 0.25], ["Ni", "Fe", "Co"])).toBe("Ni 0.5, Fe 0.25, Co 0.25");
  expect(value([0.5, 0.5])).toBe("0.5 : 0.5");
  expect(value(undefined)).toBe("–");
});

describe("duration", () => {
  it.each([[850, "850 ms"], [1500, "1.5 s"], [59_900, "60 s"], [200_000, "3 min 20 s"], [14_520_000, "4 h 02 min"], [200 * 3_600_000, "8 d 8 h"], [-1, "–"], [NaN, "–"]])("%d ms is %s", (ms, want) => expect(duration(ms)).toBe(want));
});

it("says how long ago", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const before = (s: number) => ago(new Date(now.getTime() - s * 1000), now);
  expect([before(1), before(42), before(300), before(7200), before(3 * 86400)]).toEqual(["just now", "42 s ago", "5 min ago", "2 h ago", "3 d ago"]);
});

it("writes UTC and short ids", () => {
  expect(utc(new Date("2026-11-22T12:00:00.123Z"))).toBe("2026-11-22 12:00:00 UTC");
  expect(shortID("exp_0199c0de-0000-7000-8000-000000000001")).toBe("exp_0199c0de");
});

describe("of papers and files", () => {
  it.each([[0, "0\u202f%"], [0.004, "<1\u202f%"], [0.62, "62\u202f%"], [1, "100\u202f%"], [NaN, "–"]])("%s is %s", (x, want) => expect(percent(x)).toBe(want));
  it.each([[1, "1st"], [2, "2nd"], [3, "3rd"], [4, "4th"], [11, "11th"], [13, "13th"], [22, "22nd"], [111, "111th"]])("%s is the %s", (n, want) => expect(ordinal(n)).toBe(want));
  it.each([[812, "812\u202fB"], [4200, "4.2\u202fkB"], [1_300_000_000, "1.3\u202fGB"], [undefined, "–"], [-1, "–"]])("%s bytes are %s", (n, want) => expect(bytes(n)).toBe(want));
  it.each([[3.7, "+3.7"], [-0.2, "−0.2"], [0, "0"]])("%s with its sign is %s", (x, want) => expect(signed(x)).toBe(want));
  it("links a DOI only where it is one", () => {
    expect(doiURL("10.1000/csopiv.0")).toBe("https://doi.org/10.1000/csopiv.0");
    expect(doiURL("10.1002/(sici)1#x?y")).toBe("https://doi.org/10.1002/(sici)1%23x%3Fy");
    for (const bad of ["", "javascript:alert(1)", "https://evil.example/10.1000/x", '10.1000/"><script>', "10.1000/a b"]) expect(doiURL(bad)).toBeUndefined();
  });
});
