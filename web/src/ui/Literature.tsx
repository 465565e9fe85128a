import { Button } from "@mantine/core";
import { Fragment } from "react";
import { Link } from "wouter";
import type { Campaign, Reading } from "../api/client";
import { useReading } from "../api/queries";
import { plural, title } from "../util/format";
import { flow, save } from "../util/reading";
import { Card, ErrorNote, Loading, Tag } from "./basics";
import { Checking } from "./Checking";
import { Icon } from "./Icon";
import { Findings, PaperList } from "./Papers";
import { Screening } from "./Screening";

/** What a campaign reads: people's screening while it lasts, then what was kept, said and left out. */
export function Literature({ c }: { c: Campaign }) {
  const reading = useReading(c.id);
  if (reading.isError && !reading.data) return <ErrorNote error={reading.error} what="What the campaign read cannot be shown" retry={() => void reading.refetch()} />;
  const r = reading.data;
  if (!r) return <Loading label="Loading what the campaign read" />;
  return (
    <div className="stack">
      <Summary id={c.id} r={r} />
      {r.state === "screening" && r.wanted > 0 && <Screening id={c.id} r={r} />}
      <div className="cols32 starts">
        <PaperList papers={r.papers} />
        <FlowCard r={r} />
      </div>
      <Checking id={c.id} r={r} />
      <Findings claims={r.claims} papers={r.papers} objective={c.document.objectives[0]?.name ?? ""} />
    </div>
  );
}

function Summary({ id, r }: { id: string; r: Reading }) {
  const screening = r.state === "screening";
  return (
    <Card title="The review" right={screening ? <Tag tone="wait" icon="question">{r.wanted > r.judged ? "being screened" : "about to be read"}</Tag> : <Tag tone="good" icon="check">done</Tag>}>
      <dl className="kv">
        <dt>Question</dt><dd>{r.query}</dd>
        {r.corpus && <><dt>Corpus</dt><dd>{r.corpus}</dd></>}
        <dt>Judged by people</dt><dd>{screening && r.wanted > 0 ? `${r.judged} of ${plural(r.wanted, "paper")} before the first plan` : plural(r.judged, "paper")}</dd>
        <dt>Evidence</dt><dd className="mono small" title={r.version}>{r.version.slice(0, 16)}{screening && <span className="muted"> as it would be now</span>}</dd>
      </dl>
      {r.names.length > 0 && (
        <details style={{ marginTop: 8 }}>
          <summary>Names looked for ({r.names.length})</summary>
          <dl className="kv" style={{ marginTop: 6 }}>{r.names.map((n) => <Fragment key={n.name}><dt>{n.name}</dt><dd className="small">{n.also.join(", ")}</dd></Fragment>)}</dl>
          <p className="small muted" style={{ margin: "6px 0 0" }}>More names are told by <span className="mono">aliases</span> in a campaign’s document.</p>
        </details>
      )}
      <div className="row" style={{ marginTop: 10 }}>
        <Button size="xs" variant="default" leftSection={<Icon name="down" size={14} />} onClick={() => save(`${id}-review.md`, "text/markdown", r.markdown)}>Report (Markdown)</Button>
        <Button size="xs" variant="default" leftSection={<Icon name="down" size={14} />} onClick={() => save(`${id}-papers.bib`, "application/x-bibtex", r.bibtex)}>References (BibTeX)</Button>
      </div>
    </Card>
  );
}

function FlowCard({ r }: { r: Reading }) {
  return (
    <Card title="From search to findings" flush>
      <ol className="prisma">
        {flow(r.counts).map((s) => (
          <li key={s.step} data-out={s.step === "excluded" || s.step === "duplicates" || undefined}>
            <div className="row between"><span>{title(s.step)}</span><strong>{s.works}</strong></div>
            {s.reasons.map((x) => <div key={x.why} className="row between small muted"><span>{x.why}</span><span>{x.works}</span></div>)}
          </li>
        ))}
      </ol>
      {r.excluded.length > 0 && (
        <details style={{ padding: "4px 14px 12px" }}>
          <summary>Left out, nearest first ({r.excluded.length})</summary>
          <ul className="papers">{r.excluded.map((x) => <li key={x.id}>{x.title || x.id}<div className="small muted">{x.why}</div></li>)}</ul>
        </details>
      )}
    </Card>
  );
}

/** Says on a campaign's page that papers wait for a person before the first plan. */
export function ScreeningWaits({ c }: { c: Campaign }) {
  const asks = (c.document.literature?.screen ?? 0) > 0 && c.progress.rounds === 0 && ["submitted", "running"].includes(c.progress.state);
  const reading = useReading(c.id, asks);
  const r = reading.data;
  if (!asks || r?.state !== "screening" || r.judged >= r.wanted) return null;
  return (
    <section className="needs" aria-label="Papers to judge">
      <div className="ask">
        <div className="grow"><strong>Papers wait for your judgement</strong> before the first plan is made: {r.judged} of {r.wanted} judged.</div>
        <Button component={Link} href={`/campaigns/${c.id}?tab=literature`} size="xs">Judge papers</Button>
      </div>
    </section>
  );
}
