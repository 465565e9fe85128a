import type { ImportCells, ImportColumn, ImportMapping, ImportRows } from "../api/client";

/** What becomes of cells, in the order in which a ledger tells it. */
export const fates = [
  { key: "mapped", letter: "m", says: "imported as values", tone: "good" },
  { key: "attributes", letter: "a", says: "kept word for word", tone: "run" },
  { key: "quarantined", letter: "q", says: "held back", tone: "bad" },
  { key: "ignored", letter: "i", says: "ignored by a rule", tone: "off" },
  { key: "blank", letter: "b", says: "blank", tone: "off" },
  { key: "structure", letter: "s", says: "headers and notes", tone: "off" },
] as const satisfies readonly { key: keyof ImportCells; letter: string; says: string; tone: string }[];

export const fateOf = (letter: string | undefined) => fates.find((f) => f.letter === letter);

/** Whether every cell has one fate. */
export const adds = (c: ImportCells): boolean => c.all === fates.reduce((sum, f) => sum + c[f.key], 0);

export const rowsSay = (r: ImportRows): { key: string; n: number; says: string; tone: "good" | "bad" | "off" }[] => [
  { key: "imported", n: r.imported, says: "imported", tone: "good" },
  { key: "quarantined", n: r.quarantined, says: "held back", tone: "bad" },
  { key: "ignored", n: r.ignored, says: "ignored by a rule", tone: "off" },
  { key: "blank", n: r.blank, says: "blank", tone: "off" },
  { key: "structure", n: r.structure, says: "headers and notes", tone: "off" },
];

export const needsUnit = (c: ImportColumn): boolean => (c.type === "number" || c.type === "integer") && (c.role === "parameter" || c.role === "objective");

/** Whether the column waits for a person's word. */
export const asks = (c: ImportColumn): boolean => !c.confirmed && c.role !== "ignore";

/** The column with what a person says of it. A word about a column confirms it, unless its unit is still missing. */
export function say(c: ImportColumn, change: Partial<ImportColumn>): ImportColumn {
  const next = { ...c, ...change };
  const named = Object.keys(change).every((k) => k === "name" || k === "min" || k === "max");
  if (change.unit !== undefined) next.unit_source = "mapping";
  if (named) return next;
  if (needsUnit(next) && !next.unit) return { ...next, confirmed: false, question: c.question || 'its unit is said nowhere; which is it ("1" when it has none)?' };
  return { ...next, confirmed: true, question: "", confidence: 1, why: "a person said so" };
}

/** The columns whose header a pattern with * and ? fits, in any case. */
export function matching(m: ImportMapping, pattern: string): ImportColumn[] {
  const p = pattern.trim();
  if (!p) return [];
  const re = new RegExp(`^${p.split("").map((ch) => (ch === "*" ? ".*" : ch === "?" ? "." : ch.replace(/[.+^${}()|[\]\\]/g, "\\$&"))).join("")}$`, "i");
  return m.columns.filter((c) => c.role !== "ignore" && (re.test(c.header) || re.test(c.name)));
}

export const withColumn = (m: ImportMapping, c: ImportColumn): ImportMapping => ({ ...m, columns: m.columns.map((x) => (x.at === c.at ? c : x)) });

/** Texts of a rule as a person writes them, with commas between; blank texts are left out. */
export const texts = (s: string): string[] => s.split(",").map((t) => t.trim()).filter((t, i, all) => t !== "" && all.indexOf(t) === i);
