import type { LabEvent, Progress } from "../api/client";
import { words } from "./format";

export type Level = "campaign" | "experiment" | "command";

/** How much of the log a line belongs to: the fewest readers want the commands. */
export function levelOf(e: LabEvent): Level {
  switch (e.kind) {
    case "campaign":
    case "plan":
      return "campaign";
    case "experiment":
      return "experiment";
    case "command":
    case "device":
      return "command";
  }
}

const rank: Record<Level, number> = { campaign: 0, experiment: 1, command: 2 };
export const within = (e: LabEvent, level: Level): boolean => rank[levelOf(e)] <= rank[level];

/** Newest-first lines without those that only repeat that a campaign is as it was. */
export function notable(events: LabEvent[]): LabEvent[] {
  const key = (e: LabEvent) => {
    const p = e.data as Progress | undefined;
    return `${p?.state} ${p?.reason ?? ""}`;
  };
  const states = events.filter((e) => e.kind === "campaign");
  const repeats = new Set(states.filter((e, i) => states[i + 1] && key(e) === key(states[i + 1] as LabEvent)).map((e) => e.seq));
  return events.filter((e) => !repeats.has(e.seq));
}

type Data = { state?: string; round?: number; proposals?: number; name?: string; step?: string; progress?: number; op?: string; title?: string };

/** A line of the log as a sentence. */
export function sentence(e: LabEvent): string {
  const d = (e.data ?? {}) as Data;
  switch (e.kind) {
    case "campaign": {
      const p = e.data as Progress;
      return `Campaign ${words(p.state)}${p.reason ? `: ${p.reason}` : ""} (${p.done} done of ${p.planned} planned)`;
    }
    case "plan":
      return `Plan ${d.round ?? ""} proposes ${d.proposals ?? "some"} experiment${d.proposals === 1 ? "" : "s"}`;
    case "experiment":
      return `Experiment ${e.number ?? ""} ${words(d.state ?? "changed")}`;
    case "command":
      return `${d.step ? `${d.step}: ` : ""}${d.name ?? "command"} ${words(d.state ?? "")}${d.state === "running" && d.progress ? `, ${Math.round(d.progress * 100)} %` : ""}`;
    case "device":
      return `${d.title || e.device || "Device"} is ${words(d.op ?? "")}`;
  }
}
