import { Link } from "wouter";
import { usePlans } from "../api/queries";
import type { Plan } from "../api/client";
import { plural } from "../util/format";
import { Card, ErrorNote, Loading } from "./basics";
import { Advice, Checks, TrustTag } from "./Trust";

/** The plans of a campaign, newest first: what they propose, why, and how good their model is. */
export function PlanList({ id }: { id: string }) {
  const plans = usePlans(id);
  if (plans.isError) return <ErrorNote error={plans.error} what="The plans cannot be read" retry={() => void plans.refetch()} />;
  if (!plans.data) return <Loading />;
  if (!plans.data.length) return <Card><p className="muted" style={{ margin: 0 }}>No plan has been made yet.</p></Card>;
  return (
    <Card title={plural(plans.data.length, "plan")} flush>
      <ol className="steps">{plans.data.toReversed().map((p, i) => <Item key={p.id} id={id} p={p} newest={i === 0} />)}</ol>
    </Card>
  );
}

function Item({ id, p, newest }: { id: string; p: Plan; newest: boolean }) {
  return (
    <li className="planitem" aria-label={`Plan ${p.round}`}>
      <div className="row between">
        <span className="row"><strong>Plan {p.round}</strong><TrustTag d={p.diagnostics} />{!newest && p.diagnostics?.stop?.advised && <span className="small muted">advised to stop</span>}</span>
        <span className="muted small">{p.planner}</span>
      </div>
      <div>{p.notes?.length ? p.notes.join(" ") : p.proposals[0]?.reason}{p.exhausted && " Fewer candidates than wanted are left."}</div>
      <div className="small">{p.proposals.length > 0 && "Experiments "}{p.proposals.map((x, i) => <span key={x.number}>{i > 0 && ", "}<Link href={`/campaigns/${id}/experiments/${x.number}`}>#{x.number}</Link></span>)}</div>
      {newest ? <Advice d={p.diagnostics} /> : p.diagnostics?.warnings?.map((w, i) => <div key={i} className="small muted">{w}</div>)}
      {p.diagnostics && p.diagnostics.models.length > 0 && <Checks d={p.diagnostics} />}
    </li>
  );
}
