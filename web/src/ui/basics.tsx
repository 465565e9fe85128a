import { Button, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { ApiError, type CampaignState, type ExperimentState, type StepRecord } from "../api/client";
import { useNow } from "../hooks/useNow";
import { ago, title, utc, words } from "../util/format";
import { Icon, type IconName } from "./Icon";

export type Tone = "run" | "wait" | "good" | "bad" | "off";
type Look = { tone: Tone; icon: IconName };

const campaignLooks: Record<CampaignState, Look> = {
  submitted: { tone: "off", icon: "wait" },
  running: { tone: "run", icon: "play" },
  awaiting_approval: { tone: "wait", icon: "question" },
  paused: { tone: "wait", icon: "pause" },
  stopping: { tone: "wait", icon: "stop" },
  completed: { tone: "good", icon: "check" },
  aborted: { tone: "off", icon: "stop" },
  failed: { tone: "bad", icon: "warn" },
};

const experimentLooks: Record<ExperimentState, Look> = {
  planned: { tone: "off", icon: "wait" },
  running: { tone: "run", icon: "play" },
  in_doubt: { tone: "wait", icon: "question" },
  succeeded: { tone: "good", icon: "check" },
  failed: { tone: "bad", icon: "warn" },
  cancelled: { tone: "off", icon: "stop" },
};

export const stepLook = (s: StepRecord["state"]): Look => {
  switch (s) {
    case "done":
      return { tone: "good", icon: "check" };
    case "failed":
    case "aborted":
    case "rejected":
    case "expired":
      return { tone: "bad", icon: "cross" };
    case "in_doubt":
      return { tone: "wait", icon: "question" };
    case "cancelled":
    case "cancelling":
      return { tone: "off", icon: "stop" };
    case "running":
    case "accepted":
    case "paused":
    case "":
      return { tone: "run", icon: "play" };
  }
};

/** A state as icon, word and colour; never as colour alone. */
export function Tag({ tone, icon, children }: Look & { children: ReactNode }) {
  return (
    <span className="tag" data-tone={tone}>
      <Icon name={icon} size={13} />
      {children}
    </span>
  );
}

export const CampaignTag = ({ state }: { state: CampaignState }) => <Tag {...campaignLooks[state]}>{words(state)}</Tag>;
export const ExperimentTag = ({ state }: { state: ExperimentState }) => <Tag {...experimentLooks[state]}>{words(state)}</Tag>;

/** A time in the reader's zone; the pointer shows it in UTC. */
export function Time({ at, how = "ago" }: { at: string; how?: "ago" | "clock" | "full" }) {
  const now = useNow(how === "ago" ? 10_000 : undefined);
  const t = new Date(at);
  const text =
    how === "ago" ? ago(t, now) : new Intl.DateTimeFormat(undefined, how === "clock" ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "medium" }).format(t);
  return (
    <time dateTime={at} title={utc(t)} className="nowrap">
      {text}
    </time>
  );
}

export function Card({ title: heading, right, children, flush, level = 2, label }: { title?: ReactNode; right?: ReactNode; children: ReactNode; flush?: boolean; level?: 2 | 3; label?: string }) {
  const H = level === 2 ? "h2" : "h3";
  return (
    <section className="card" aria-label={label ?? (typeof heading === "string" ? heading : undefined)}>
      {heading && (
        <header>
          <H>{heading}</H>
          {right}
        </header>
      )}
      <div className={flush ? "body flush" : "body"}>{children}</div>
    </section>
  );
}

/** What went wrong with a request, and the way on. It stays until it is mended. */
export function ErrorNote({ error, retry, what }: { error: unknown; retry?: () => void; what: string }) {
  const e = error instanceof ApiError ? error : undefined;
  return (
    <div className="note" data-tone="bad" role="alert">
      <h2>{what}</h2>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {e?.problem?.instance && <p className="small mono">{e.problem.instance}</p>}
      {retry && (
        <Button mt={8} size="xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function Loading({ lines = 4, label = "Loading" }: { lines?: number; label?: string }) {
  return (
    <div className="stack" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} height={i === 0 ? 30 : 46} radius={6} />
      ))}
    </div>
  );
}

export function Bar({ value, of, tone = "run", label, failed = 0 }: { value: number; of: number; tone?: Tone; label: string; failed?: number }) {
  const part = (n: number) => `${of > 0 ? Math.min(100, (100 * n) / of) : 0}%`;
  return (
    <div className="bar" role="progressbar" aria-valuenow={Math.round(value * 100) / 100} aria-valuemin={0} aria-valuemax={of} aria-label={label}>
      <i data-tone={tone} style={{ width: part(value - failed) }} />
      {failed > 0 && <i data-tone="bad" style={{ width: part(failed) }} />}
    </div>
  );
}

export function Crumbs({ trail }: { trail: { to: string; text: string }[] }) {
  return (
    <nav aria-label="Breadcrumb" className="crumbs">
      {trail.map((t, i) => (
        <span key={t.to}>
          {i > 0 && " / "}
          <Link href={t.to}>{t.text}</Link>
        </span>
      ))}
    </nav>
  );
}

export { title };
