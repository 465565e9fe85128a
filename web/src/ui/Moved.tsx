import { Link } from "wouter";
import type { Document, Plan, Prediction, Proposal, ReadPaper } from "../api/client";
import { ordinal, percent, signed, unitLabel } from "../util/format";
import { Bar } from "./basics";
import { trendSays } from "./Trust";

/** In words, what reading did to the place of a proposal among the candidates. */
export function unaidedSays(unaided: number | undefined): string {
  if (!unaided) return "";
  return unaided === 1 ? "It would have been the first choice even had nothing been read." : `Had nothing been read, it would have been ${ordinal(unaided)} among the candidates that were weighed.`;
}

/** The papers that moved a proposal, and how far. Their titles come from outside: they are only ever text. */
export function Influences({ id, proposal, papers, doc }: { id: string; proposal: Proposal; papers: ReadPaper[] | undefined; doc: Document }) {
  const all = proposal.influences ?? [];
  const says = unaidedSays(proposal.unaided);
  if (!all.length && !says) return null;
  const unit = doc.objectives[0]?.unit;
  return (
    <section aria-label="Papers that moved it" className="moved">
      <div className="row between"><h3>Papers that moved it</h3><Link href={`/campaigns/${id}?tab=literature`} className="small">Literature</Link></div>
      {says && <p className="small muted">{says}</p>}
      {all.length > 0 && (
        <ul className="papers">
          {all.map((x) => {
            const title = papers?.find((p) => p.id === x.paper)?.title;
            return (
              <li key={x.paper}>
                <div>{title || <span className="mono">{x.paper}</span>}</div>
                <div className="row tight small muted">
                  <span style={{ width: 90 }}><Bar value={x.share} of={1} label={`Share of ${title ?? x.paper}`} /></span>
                  <span>{percent(x.share)} of what papers did</span>
                  <span>{doc.objectives[0]?.name} {signed(x.shift, 3)} {unitLabel(unit)}</span>
                  <span>worth {signed(x.gain, 2)}</span>
                </div>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}

/** The models that predictions lean on, and how far outcomes follow them. */
export function Leans({ predictions, plan }: { predictions: Prediction[]; plan: Plan | undefined }) {
  const all = predictions.filter((p) => p.models?.length);
  if (!all.length) return null;
  return (
    <>
      <dt>Leans on</dt>
      <dd>
        {all.map((p) => (
          <div key={p.objective}>
            {p.objective}: {p.models?.map((m, i) => {
              const far = trendSays(plan?.diagnostics?.models.find((x) => x.objective === p.objective), m);
              return <span key={m}>{i > 0 && ", "}<span className="mono">{m}</span>{far && <span className="muted"> ({far})</span>}</span>;
            })}
          </div>
        ))}
      </dd>
    </>
  );
}
