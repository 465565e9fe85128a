import type { Tone } from "../ui/basics";

export interface Said { tone: Tone; says: string }

/** A calibration that is stale or soon will be, by its status and its due date. */
export function calibrationState(c: { status: string; due?: string }, now: Date): Said {
  if (c.status === "invalid") return { tone: "bad", says: "invalid" };
  if (c.due && Date.parse(c.due) <= now.getTime()) return { tone: "bad", says: "stale" };
  if (c.status === "due") return { tone: "wait", says: "soon due" };
  return { tone: "good", says: "valid" };
}

/** A supply that is used up or below its low mark. */
export function supplyState(s: { level: number; low?: number }): Said {
  if (s.level <= 0) return { tone: "bad", says: "used up" };
  if (s.low !== undefined && s.level < s.low) return { tone: "wait", says: "low" };
  return { tone: "good", says: "enough" };
}
