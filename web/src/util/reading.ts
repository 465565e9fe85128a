import type { Correction, Label, Reading, ReadFinding, ReadPaper } from "../api/client";

/** The first paper, most relevant first, of which nobody has said anything. */
export function toJudge(papers: ReadPaper[], said: ReadonlyMap<string, Label>): ReadPaper | undefined {
  return papers.find((p) => {
    const now = said.get(p.id) ?? (p.label || "unread");
    return now === "unread";
  });
}

const judged: Record<string, Label | "undo"> = { y: "relevant", n: "irrelevant", u: "unsure", z: "undo" };

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "repeat" | "target">;

/**
 * What a key says of a paper. Nothing where single keys are not at hand (on), where a text is being
 * written or a dialog is open, and of a key that is held down.
 */
export function screeningKey(e: Pressed, on: boolean): Label | "undo" | undefined {
  if (!on || e.ctrlKey || e.metaKey || e.altKey || e.repeat) return undefined;
  const at = e.target as { closest?: (selector: string) => unknown } | null;
  if (at?.closest?.("input, textarea, select, [contenteditable], [role=dialog]")) return undefined;
  return judged[e.key.toLowerCase()];
}

export type Flow = { step: string; works: number; reasons: { why: string; works: number }[] };

/** The steps of the flow diagram, with the reasons for leaving out under the step that leaves out. */
export function flow(counts: Reading["counts"]): Flow[] {
  const out: Flow[] = [];
  for (const c of counts) {
    const why = /^excluded: (.*)$/.exec(c.step)?.[1];
    const last = out.at(-1);
    if (why && last) last.reasons.push({ why, works: c.works });
    else out.push({ step: c.step, works: c.works, reasons: [] });
  }
  return out;
}

/** Offers a text as a file. */
export function save(name: string, type: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** What a person writes into the form that corrects a finding. */
export type FindingForm = { value: string; high: string; unit: string; parameter: string; operation: string; outcome: boolean };

/** The form of a finding as it counts now. The other end of a range is empty where there is none. */
export const formOf = (f: ReadFinding): FindingForm => ({
  value: String(f.value), high: f.high === f.value ? "" : String(f.high), unit: f.unit, parameter: f.parameter, operation: f.operation, outcome: f.outcome,
});

const number = (s: string): number => (s.trim() === "" ? NaN : Number(s.trim().replace(",", ".").replace("−", "-")));

/** The fields that a form changes, or what is wrong with it. All fields that differ from what was found are told, so that a later correction stands for itself. */
export function changed(f: ReadFinding, form: FindingForm): { fields: Partial<Correction> } | { wrong: string } {
  const was = f.was ?? f;
  const value = number(form.value);
  const high = form.high.trim() === "" ? value : number(form.high);
  if (!Number.isFinite(value)) return { wrong: "The value is no number." };
  if (!Number.isFinite(high)) return { wrong: "The other end of the range is no number." };
  if (form.parameter.trim() === "") return { wrong: "A parameter has a name." };
  const fields: Partial<Correction> = {};
  if (value !== was.value) fields.value = value;
  if (high !== was.high) fields.high = high;
  if (form.unit.trim() !== was.unit) fields.unit = form.unit.trim() || "1";
  if (form.parameter.trim() !== was.parameter) fields.parameter = form.parameter.trim();
  if (form.operation.trim() !== was.operation) fields.operation = form.operation.trim();
  if (form.outcome !== was.outcome) fields.outcome = form.outcome;
  return Object.keys(fields).length ? { fields } : { wrong: "Nothing differs from what was found: say that it is right." };
}
