import type { Device } from "../api/client";

type Known = Pick<Device, "id" | "conn" | "op" | "mode" | "faults">;

/** What of a device a person has to see to, and what to do; nothing for one that is well. */
export function todo(d: Known): string[] {
  const out: string[] = [];
  if (d.conn === "lost") out.push("The link is gone; its work may go on. Look at the device itself, then at its power and its network. It comes back by itself.");
  else if (d.conn !== "online") out.push("It left in order. Switch it on, or start its program, when it is to work again.");
  else {
    if (d.mode !== "remote") out.push(`A person has it (${d.mode}). Set it to remote at the device when you are done; until then it takes no commands from here.`);
    const says = states[d.op];
    if (says) out.push(says);
  }
  for (const f of d.faults ?? []) {
    const says = codes[f.code] ?? (f.code.startsWith("calibration") ? codes.calibration : undefined);
    if (says && !out.includes(says)) out.push(says);
  }
  return out;
}

const states: Record<string, string | undefined> = {
  paused: "It stands still where it safely can and begins nothing; readings go on. It goes on when it is resumed, or when the campaign that paused it is.",
  safe: "It heard nothing from the laboratory for too long and went to a safe position. It goes on by itself when it hears again: look at the server and the network between them.",
  stopped: "It was stopped and stays so. See that nothing is in the way, then reset it.",
  fault: "Look at the device and mend what it says. When the fault is gone, it says so by itself.",
};

const codes: Record<string, string | undefined> = {
  link: "It speaks but does not hear what it is sent. Its account on the broker must be allowed to read its cmd and ctl topics.",
  calibration: "Calibrate it and enter the certificate at the device. Actions that need the calibration are refused while it is invalid or past due.",
  consumable: "Refill or replace what is out and say so at the device. Actions that need it are refused until then.",
};

/** How loud a fault is shown. */
export const faultTone = (level: string): "bad" | "wait" | "off" => (level === "critical" || level === "error" ? "bad" : level === "info" ? "off" : "wait");

/** Whether a person has to see to a device. A fault that only informs is none. */
export const needsSomebody = (d: Known): boolean =>
  d.conn !== "online" || ["stopped", "fault", "safe", "paused"].includes(d.op) || d.mode !== "remote" || (d.faults ?? []).some((f) => f.level !== "info");

const order = ["bad", "wait", "off"];

/** Faults, the loudest first. */
export const byLoudness = <T extends { level: string }>(faults: readonly T[]): T[] => [...faults].sort((a, b) => order.indexOf(faultTone(a.level)) - order.indexOf(faultTone(b.level)));
