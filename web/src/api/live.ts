import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { Campaign, Device, LabEvent, Progress, Row, Summary } from "./client";
import { fetchExperiments, keys } from "./queries";

/** Rows by number, newer ones in place of older ones. Both are in order. */
export function mergeRows(old: Row[], fresh: Row[]): Row[] {
  if (!fresh.length) return old;
  const byNumber = new Map(old.map((r) => [r.number, r]));
  for (const r of fresh) byNumber.set(r.number, r);
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

/** The summary with what an event says, unless the event is the older of the two. */
export function withProgress<T extends { progress: Progress }>(c: T, p: Progress): T {
  return Date.parse(p.updated_at) < Date.parse(c.progress.updated_at) ? c : { ...c, progress: p };
}

/** What an event carries was not written by the API, so a list in it may be absent. */
export const wholeProgress = (p: Progress): Progress => ({ ...p, best: p.best ?? [] });
export const wholeDevice = (d: Device): Device => ({ ...d, active: d.active ?? [], capabilities: (d.capabilities ?? []).map((c) => ({ ...c, commands: (c.commands ?? []).map((k) => ({ ...k, params: k.params ?? [] })) })) });

/** Consecutive runs of numbers with small gaps, so that few requests fetch them. */
export function ranges(numbers: Iterable<number>, gap = 16): { after: number; count: number }[] {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const out: { after: number; count: number }[] = [];
  for (const n of sorted) {
    const r = out.at(-1);
    if (r && n - (r.after + r.count) <= gap) r.count = n - r.after;
    else out.push({ after: n - 1, count: 1 });
  }
  return out;
}

/** Brings what the cache holds up to what happened. */
export class Live {
  private queue: LabEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly client: QueryClient;
  private readonly every: number;

  constructor(client: QueryClient, every = 150) {
    this.client = client;
    this.every = every;
  }

  add(events: LabEvent[]) {
    this.queue.push(...events);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, this.every);
  }

  private async flush() {
    const events = this.queue;
    this.queue = [];
    const changed = new Map<string, Set<number>>();
    let ask = false;
    for (const e of events) {
      const id = e.campaign_id;
      if (id) this.log(id, e);
      switch (e.kind) {
        case "campaign":
          if (id && e.data) this.campaign(id, wholeProgress(e.data as Progress));
          ask = true;
          break;
        case "plan":
          if (id) void this.client.invalidateQueries({ queryKey: ["plans", id] });
          if (id) void this.client.invalidateQueries({ queryKey: keys.reading(id) });
          ask = true;
          if (id) note(changed, id, -1);
          break;
        case "experiment":
          if (id && e.number) note(changed, id, e.number);
          ask ||= (e.data as { state?: string } | undefined)?.state === "in_doubt";
          break;
        case "command":
          if (id && e.number) void this.client.invalidateQueries({ queryKey: keys.experiment(id, e.number) });
          break;
        case "device":
          if (e.data) this.device(wholeDevice(e.data as Device));
          break;
        default:
          e.kind satisfies never;
      }
    }
    if (ask) void this.client.invalidateQueries({ queryKey: keys.questions });
    await Promise.all([...changed].map(([id, numbers]) => this.experiments(id, numbers)));
  }

  private log(id: string, e: LabEvent) {
    this.client.setQueryData<InfiniteData<LabEvent[]>>(keys.log(id), (d) => {
      const first = d?.pages[0];
      if (!d || !first || first.some((x) => x.seq === e.seq)) return d;
      return { ...d, pages: [[e, ...first], ...d.pages.slice(1)] };
    });
  }

  private campaign(id: string, p: Progress) {
    this.client.setQueryData<Campaign>(keys.campaign(id), (c) => c && withProgress(c, p));
    let listed = false;
    this.client.setQueriesData<InfiniteData<{ items: Summary[] }>>({ queryKey: keys.campaigns }, (d) => {
      if (!d) return d;
      return { ...d, pages: d.pages.map((page) => ({ ...page, items: page.items.map((c) => (c.id === id ? ((listed = true), withProgress(c, p)) : c)) })) };
    });
    // A new campaign, one that a filter now shows, or an answer on its way that may be older.
    if (!listed || this.client.isFetching({ queryKey: keys.campaigns })) void this.client.invalidateQueries({ queryKey: keys.campaigns });
    if (this.client.isFetching({ queryKey: keys.campaign(id) })) void this.client.invalidateQueries({ queryKey: keys.campaign(id) });
  }

  private device(d: Device) {
    if (!d.id) return;
    this.client.setQueryData<Device[]>(keys.devices, (all) => all && (all.some((x) => x.id === d.id) ? all.map((x) => (x.id === d.id ? d : x)) : [...all, d]));
  }

  private async experiments(id: string, numbers: Set<number>) {
    for (const n of numbers) if (n > 0) void this.client.invalidateQueries({ queryKey: keys.experiment(id, n) });
    const rows = this.client.getQueryData<Row[]>(keys.experiments(id));
    if (!rows) return;
    const wanted = [...numbers].filter((n) => n > 0);
    const fresh: Row[] = [];
    try {
      for (const r of ranges(wanted)) fresh.push(...(await fetchExperiments(id, r.after, r.count)));
      if (numbers.has(-1)) fresh.push(...(await fetchExperiments(id, rows.at(-1)?.number ?? 0)));
    } catch {
      void this.client.invalidateQueries({ queryKey: keys.experiments(id) });
      return;
    }
    this.client.setQueryData<Row[]>(keys.experiments(id), (old) => old && mergeRows(old, fresh));
  }
}

function note(m: Map<string, Set<number>>, id: string, n: number) {
  const s = m.get(id) ?? new Set();
  m.set(id, s.add(n));
}
