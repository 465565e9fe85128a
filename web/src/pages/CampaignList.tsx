import { Button, Select, TextInput } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import type { CampaignState, Summary } from "../api/client";
import { keys, listCampaigns, useExamples, useQuestions } from "../api/queries";
import { Bar, CampaignTag, ErrorNote, Loading, Time, type Tone } from "../ui/basics";
import { Icon } from "../ui/Icon";
import { plural, quantity } from "../util/format";

const groups: Record<string, { label: string; states: CampaignState[] }> = {
  all: { label: "All states", states: [] },
  active: { label: "At work", states: ["submitted", "running", "stopping"] },
  waiting: { label: "Waiting", states: ["awaiting_approval", "paused"] },
  ended: { label: "Ended", states: ["completed", "aborted", "failed"] },
};

const barTone = (s: CampaignState): Tone => (s === "completed" ? "good" : s === "aborted" || s === "failed" ? "off" : "run");

export function CampaignList() {
  const [params, setParams] = useSearchParams();
  const [text, setText] = useState(params.get("q") ?? "");
  const [q] = useDebouncedValue(text, 250);
  const group = params.get("state") ?? "all";
  const states = groups[group]?.states ?? [];
  const search = useRef<HTMLInputElement>(null);
  const questions = useQuestions();
  const list = useInfiniteQuery({
    queryKey: [...keys.campaigns, { group, q }],
    queryFn: ({ pageParam }) => listCampaigns({ states, q }, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });
  useEffect(() => {
    setParams((p) => {
      if (q) p.set("q", q);
      else p.delete("q");
      return p;
    }, { replace: true });
  }, [q, setParams]);
  useEffect(() => {
    const focus = () => search.current?.focus();
    window.addEventListener("athanor:search", focus);
    return () => window.removeEventListener("athanor:search", focus);
  }, []);
  const items = list.data?.pages.flatMap((p) => p.items) ?? [];
  const filtered = q !== "" || group !== "all";
  return (
    <>
      <div className="pagehead">
        <h1>Campaigns</h1>
        <Button component={Link} href="/new" leftSection={<Icon name="plus" />}>New campaign</Button>
      </div>
      {list.isError && <ErrorNote error={list.error} what="The campaigns cannot be listed" retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={6} />}
      {list.isSuccess && !items.length && !filtered && <FirstSteps />}
      {list.isSuccess && (items.length > 0 || filtered) && (
        <section className="card" aria-label="List of campaigns">
          <div className="row" style={{ padding: "10px 14px" }}>
            <TextInput ref={search} aria-label="Search titles" placeholder="Search titles  /" leftSection={<Icon name="search" />} value={text} onChange={(e) => setText(e.currentTarget.value)} style={{ flex: "1 1 200px", maxWidth: 360 }} />
            <Select aria-label="State" data={Object.entries(groups).map(([value, g]) => ({ value, label: g.label }))} value={group} allowDeselect={false} w={150}
              onChange={(v) => setParams((p) => { if (v && v !== "all") p.set("state", v); else p.delete("state"); return p; })} />
            <span className="muted small" aria-live="polite">{list.hasNextPage ? `first ${items.length}` : plural(items.length, "campaign")}</span>
          </div>
          {items.length > 0 && (
            <table className="plain records">
              <thead>
                <tr><th scope="col">Campaign</th><th scope="col">State</th><th scope="col">Experiments</th><th scope="col">Best so far</th><th scope="col">Submitted</th></tr>
              </thead>
              <tbody>
                {items.map((c) => <Line key={c.id} c={c} asks={questions.data?.filter((x) => x.campaign_id === c.id).length ?? 0} />)}
              </tbody>
            </table>
          )}
          {!items.length && <p className="muted" style={{ padding: "4px 14px 14px", margin: 0 }}>No campaign matches. <Button variant="subtle" size="compact-sm" onClick={() => { setText(""); setParams({}); }}>Show all</Button></p>}
          {list.hasNextPage && <div style={{ padding: 12 }}><Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Show more</Button></div>}
        </section>
      )}
    </>
  );
}

function Line({ c, asks }: { c: Summary; asks: number }) {
  const p = c.progress;
  const budget = c.budget.experiments;
  return (
    <tr>
      <td className="first">
        <Link className="title" href={`/campaigns/${c.id}`}>{c.title}</Link>
        {asks > 0 && <> <span className="pill" data-tone="wait">needs you</span></>}
        {p.reason && <div className="muted small">{p.reason}</div>}
      </td>
      <td><CampaignTag state={p.state} /></td>
      <td style={{ minWidth: 150 }}>
        <div className="row between small tight nowrap"><span>{p.done} of {budget}</span>{p.failures > 0 && <span className="muted">{p.failures} failed</span>}</div>
        <Bar value={p.done} of={budget} failed={p.failures} tone={barTone(p.state)} label={`${p.done} of ${budget} experiments done`} />
      </td>
      <td>
        {p.best.map((b) => (
          <div key={b.objective} className="nowrap"><strong>{quantity(b.value, b.unit)}</strong> <span className="muted small">{b.objective}, #{b.number}</span></div>
        ))}
        {!p.best.length && <span className="muted small">none yet</span>}
      </td>
      <td className="muted small"><Time at={c.submitted_at} /></td>
    </tr>
  );
}

/** What an empty laboratory says: what a campaign is, and one button to the first. */
function FirstSteps() {
  const examples = useExamples();
  const [, go] = useLocation();
  return (
    <section className="card empty" aria-label="First steps">
      <h2 style={{ fontSize: 18, margin: 0 }}>No campaign yet</h2>
      <p className="muted" style={{ margin: "6px 0 0" }}>A campaign is a question to the laboratory, written in one document.</p>
      <ol>
        <li>Say what may be varied, what is to be found, and how an experiment is done.</li>
        <li>The server checks it whole before anything moves, and says what to mend.</li>
        <li>Submit it and watch: every experiment comes with the reason for it.</li>
      </ol>
      <div className="center">
        {(examples.data ?? []).map((e, i) => (
          <Button key={e.name} variant={i === 0 ? "filled" : "default"} onClick={() => go(`/new?example=${encodeURIComponent(e.name)}`)}>
            {i === 0 ? `Begin from an example: ${e.title}` : e.title}
          </Button>
        ))}
        {!examples.data?.length && <Button component={Link} href="/new">Write a campaign</Button>}
      </div>
    </section>
  );
}
