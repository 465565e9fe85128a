import type { Claim, ReadPaper } from "../api/client";
import { doiURL, num, percent, unitLabel, value, words } from "../util/format";
import { Bar, Card, Tag, type Tone } from "./basics";
import type { IconName } from "./Icon";

const labels: Record<string, { tone: Tone; icon: IconName }> = {
  relevant: { tone: "good", icon: "check" },
  irrelevant: { tone: "bad", icon: "cross" },
  unsure: { tone: "wait", icon: "question" },
};

/** A paper: its title and what is known of it. What comes from outside is only ever text. */
export function Paper({ p, abstract = false }: { p: ReadPaper; abstract?: boolean }) {
  const to = doiURL(p.doi);
  return (
    <>
      <h3 className="papertitle">{p.title || p.id}</h3>
      <div className="row small muted">
        {p.year > 0 && <span>{p.year}</span>}
        {to ? <a href={to} target="_blank" rel="noopener noreferrer nofollow" className="mono target">{p.doi}</a> : <span className="mono">{p.id}</span>}
        {abstract && <span>ranked {percent(p.relevance)}</span>}
      </div>
      {abstract && <p className="abstract">{p.abstract || "It has no abstract."}</p>}
    </>
  );
}

/** The papers that are kept, most relevant first. */
export function PaperList({ papers }: { papers: ReadPaper[] }) {
  return (
    <Card title={`Papers kept (${papers.length})`} flush>
      {!papers.length && <p className="muted" style={{ padding: "0 14px 14px", margin: 0 }}>None of the papers bears on the campaign.</p>}
      <ol className="steps">
        {papers.map((p) => {
          const look = labels[p.label];
          return (
            <li key={p.id} className="paperitem">
              <div className="grow">
                <Paper p={p} />
                {p.abstract && <details><summary>Abstract</summary><p className="abstract">{p.abstract}</p></details>}
              </div>
              <div className="paperfacts small">
                <div className="row tight"><span className="muted">relevance</span> <span style={{ width: 70 }}><Bar value={p.relevance} of={1} tone="good" label={`Relevance of ${p.title || p.id}`} /></span> {percent(p.relevance)}</div>
                <div className="row tight"><span className="muted">claims</span> {p.claims}{p.credibility != null && <><span className="muted">borne out</span> {percent(p.credibility)}</>}</div>
                {look && <Tag {...look}>{words(p.label)}</Tag>}
              </div>
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

/** What the papers say that bears on the campaign, with the sentence that says it. */
export function Findings({ claims, papers, objective }: { claims: Claim[]; papers: ReadPaper[]; objective: string }) {
  return (
    <Card title={`Claims (${claims.length})`} flush>
      {!claims.length ? <p className="muted" style={{ padding: "0 14px 14px", margin: 0 }}>The papers say nothing in the campaign’s parameters.</p> : (
        <div className="scroll" tabIndex={0} role="group" aria-label="Claims, scrollable">
          <table className="plain compact">
            <thead><tr><th scope="col">Good for</th><th scope="col">Where</th><th scope="col">As it is said</th><th scope="col" className="n">Weight</th></tr></thead>
            <tbody>
              {claims.map((c, i) => (
                <tr key={i}>
                  <td>{c.objective || objective}</td>
                  <td style={{ minWidth: 150 }}>{c.settings.map((s) => <div key={s.name}><span className="muted">{s.name}</span> {value(s.value)} {unitLabel(s.unit)}</div>)}</td>
                  <td style={{ minWidth: 240 }}>{c.quote && <q>{c.quote.trim()}</q>}<div className="muted small">{papers.find((p) => p.id === c.paper)?.title ?? c.paper}{c.checked?.length ? `, checked by ${c.checked.join(", ")}` : ""}</div></td>
                  <td className="n">{num(c.weight, 2)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
