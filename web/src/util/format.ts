import type { Value } from "../api/client";

const labels: Record<string, string> = { "1": "", Cel: "°C", "[degF]": "°F", Ohm: "Ω", "{}": "", "10*-6": "ppm" };

/** A UCUM code as people write it: Cel is °C, uL is µL. What it does not know stays as it is. */
export function unitLabel(unit: string | undefined): string {
  if (!unit) return "";
  if (unit in labels) return labels[unit] ?? "";
  return unit
    .split(/([/.])/)
    .map((part) => (part in labels && part !== "1" ? labels[part] : part === "." ? "·" : part.replace(/^u(?=(L|m|g|s|mol|M|A|V|W|Pa)$|(L|m|g|s|mol|M|A|V|W|Pa)\d)/, "µ").replace(/(?<=[A-Za-z])-1$/, "⁻¹").replace(/(?<=[A-Za-z])2$/, "²").replace(/(?<=[A-Za-z])3$/, "³")))
    .join("");
}

/** A number with up to so many significant digits, without an exponent where it can be read without. */
export function num(x: number | null | undefined, digits = 4): string {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  if (x === 0) return "0";
  const a = Math.abs(x);
  if (a >= 1e6 || a < 1e-4) return x.toExponential(Math.max(0, digits - 2)).replace("-", "−").replace(/e\+?(−|-)?(\d+)/, (_, s: string | undefined, e: string) => `e${s ? "−" : ""}${e}`);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(a)));
  return Number(x.toFixed(Math.min(decimals, 8))).toString().replace("-", "−");
}

/** A number with its unit, "84.2 %". */
export function quantity(x: number | null | undefined, unit?: string, digits?: number): string {
  const u = unitLabel(unit);
  const n = num(x, digits);
  return u && n !== "–" ? `${n}\u202f${u}` : n;
}

/** A setting as a person would write it; fractions of a composition with the names of their parts. */
export function value(v: Value | undefined, parts?: string[]): string {
  if (v === undefined || v === null) return "–";
  if (typeof v === "number") return num(v);
  if (typeof v === "string") return v;
  return v.map((x, i) => (parts?.[i] ? `${parts[i]} ${num(x, 3)}` : num(x, 3))).join(parts ? ", " : " : ");
}

/** Half the width of an interval, as in "81 ± 6". */
export const half = (low: number, high: number): number => (high - low) / 2;

/** How long something took: "850 ms", "12 s", "3 min 20 s", "4 h 02 min". */
export function duration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 && !Number.isInteger(s) ? s.toFixed(1) : Math.round(s)} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
  const h = Math.floor(min / 60);
  if (h < 48) return `${h} h ${String(min % 60).padStart(2, "0")} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

/** How long ago: "just now", "12 s ago", "3 h ago", and the date when it is long ago. */
export function ago(then: Date, now: Date): string {
  const s = (now.getTime() - then.getTime()) / 1000;
  if (s < 5) return "just now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  if (s < 14 * 86400) return `${Math.floor(s / 86400)} d ago`;
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(then);
}

export const utc = (t: Date): string => `${t.toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** The bare start of an id, enough to tell it from its neighbours. */
export const shortID = (id: string): string => id.replace(/^([a-z]+_)?(.{8}).*/, "$1$2");

export const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;

export const words = (s: string): string => s.replaceAll("_", " ");

/** The names that a campaign calls its parameters by, in its own spelling. */
export function title(s: string): string {
  const w = words(s);
  return w.charAt(0).toUpperCase() + w.slice(1);
}

/** A share of one in percent: "62 %", and "<1 %" for what is little. */
export function percent(x: number): string {
  if (!Number.isFinite(x)) return "–";
  return x > 0 && x < 0.01 ? "<1\u202f%" : `${num(Math.round(x * 100))}\u202f%`;
}

/** With its sign, "+3.7" or "−0.2": of a difference. */
export const signed = (x: number, digits?: number): string => (x > 0 ? `+${num(x, digits)}` : num(x, digits));

/** "1st", "22nd", "13th". */
export function ordinal(n: number): string {
  const tens = n % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ending}`;
}

/** A size of a file: "812 B", "4.2 kB", "1.3 GB". */
export function bytes(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n) || n < 0) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${num(n, n < 10 ? 2 : 3)}\u202f${units[i]}`;
}

/** Where a DOI leads, for one that is well formed; what comes from outside is never a link as it is. */
export function doiURL(doi: string): string | undefined {
  return /^10\.\d{4,9}\/[^\s<>"]+$/.test(doi) ? `https://doi.org/${doi.split("/").map(encodeURIComponent).join("/")}` : undefined;
}
