import type { Label, Reading, ReadPaper } from "../api/client";

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
