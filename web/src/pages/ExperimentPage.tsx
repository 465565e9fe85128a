import { ActionIcon, Button, CopyButton } from "@mantine/core";
import { Link } from "wouter";
import { ApiError, type Document, type Experiment, type StepRecord } from "../api/client";
import { useCampaign, useExperiment, usePlans, useReading, useWaits } from "../api/queries";
import { useNow } from "../hooks/useNow";
import { Card, Crumbs, ErrorNote, ExperimentTag, Loading, stepLook, Time } from "../ui/basics";
import { Icon } from "../ui/Icon";
import { Influences, Leans } from "../ui/Moved";
import { Advice, Checks, TrustTag } from "../ui/Trust";
import { duration, num, quantity, unitLabel, value, words } from "../util/format";
import { NotFound } from "./NotFound";

export function ExperimentPage({ id, number }: { id: string; number: number }) {
  const campaign = useCampaign(id);
  const experiment = useExperiment(id, number);
  const error = campaign.error ?? experiment.error;
  if (error instanceof ApiError && error.status === 404) return <NotFound what={error.message} />;
  if (error) return <ErrorNote error={error} what="The experiment cannot be shown" retry={() => { void campaign.refetch(); void experiment.refetch(); }} />;
  if (!campaign.data || !experiment.data) return <Loading lines={6} />;
  return <View e={experiment.data} doc={campaign.data.document} id={id} planned={campaign.data.progress.planned} />;
}

function View({ e, doc, id, planned }: { e: Experiment; doc: Document; id: string; planned: number }) {
  const to = (n: number) => `/campaigns/${id}/experiments/${n}`;
  return (
    <div className="stack">
      <header>
        <Crumbs trail={[{ to: "/", text: "Campaigns" }, { to: `/campaigns/${id}`, text: doc.title }]} />
        <div className="pagehead" style={{ marginBottom: 0 }}>
          <div className="grow">
            <div className="row"><h1>Experiment {e.number}</h1><ExperimentTag state={e.state} /></div>
            <div className="row muted small">
              {e.started_at ? <span>began <Time at={e.started_at} how="full" /></span> : <span>not begun</span>}
              {e.started_at && e.finished_at && <span>took {duration(Date.parse(e.finished_at) - Date.parse(e.started_at))}</span>}
              <CopyID id={e.id} />
            </div>
          </div>
          <nav className="row tight" aria-label="Other experiments">
            <Button component={Link} href={to(e.number - 1)} variant="default" size="xs" leftSection={<Icon name="left" />} style={e.number <= 1 ? { visibility: "hidden" } : undefined}>#{e.number - 1}</Button>
            <Button component={Link} href={to(e.number + 1)} variant="default" size="xs" rightSection={<Icon name="right" />} style={e.number >= planned ? { visibility: "hidden" } : undefined}>#{e.number + 1}</Button>
          </nav>
        </div>
      </header>
      {e.failure && (
        <div className="note" data-tone="bad" role="note">
          <h2>{e.failure.step ? `Step ${e.failure.step} failed` : "It failed"}{e.failure.device ? ` on ${e.failure.device}` : ""}: {words(e.failure.code)}</h2>
          <p>{e.failure.message}</p>
        </div>
      )}
      <Waits id={id} e={e} />
      <div className="cols2">
        <div className="stack">
          <Why e={e} to={to} doc={doc} id={id} />
          <Settings e={e} doc={doc} />
        </div>
        <div className="stack">
          <Results e={e} doc={doc} />
          <Steps e={e} />
        </div>
      </div>
    </div>
  );
}

/** What the experiment's steps wait for before their commands can go out. */
function Waits({ id, e }: { id: string; e: Experiment }) {
  const waits = useWaits(id, !e.finished_at).filter((w) => w.number === e.number);
  if (!waits.length) return null;
  return (
    <div className="note" role="note">
      {waits.map((w) => <p key={w.step}><strong>{w.step}</strong> {w.why} (<Time at={w.since} />)</p>)}
    </div>
  );
}

function CopyID({ id }: { id: string }) {
  return (
    <span className="row tight mono">
      {id}
      <CopyButton value={id}>
        {({ copied, copy }) => <ActionIcon variant="subtle" color="gray" size={24} onClick={copy} aria-label={copied ? "Copied" : `Copy ${id}`}><Icon name={copied ? "check" : "copy"} size={14} /></ActionIcon>}
      </CopyButton>
    </span>
  );
}

function Why({ e, to, doc, id }: { e: Experiment; to: (n: number) => string; doc: Document; id: string }) {
  const plans = usePlans(id);
  const plan = plans.data?.find((p) => p.id === e.plan_id);
  const proposal = plan?.proposals.find((p) => p.number === e.number);
  const reading = useReading(id, !!doc.literature && !!proposal?.influences?.length);
  return (
    <Card title="Why this one" right={plan && <span className="row tight"><Link href={`/campaigns/${id}?tab=plans`} className="small">Plan {plan.round}</Link><TrustTag d={plan.diagnostics} /></span>}>
      <p style={{ margin: "0 0 10px" }}>{e.reason || "The planner gave no reason."}</p>
      <dl className="kv">
        {e.acquisition && <><dt>Worth</dt><dd>{e.acquisition.name} {num(e.acquisition.value)}</dd></>}
        {e.nearest.length > 0 && <><dt>Most like</dt><dd>{e.nearest.map((n, i) => <span key={n.number}>{i > 0 && ", "}<Link href={to(n.number)}>#{n.number}</Link> <span className="muted">({num(n.distance, 2)} away)</span></span>)}</dd></>}
        <Leans predictions={e.predictions} plan={plan} />
      </dl>
      {proposal && <Influences id={id} proposal={proposal} papers={reading.data?.papers} doc={doc} />}
      {plan?.diagnostics && (
        <div className="stack" style={{ gap: 8, marginTop: 10 }}>
          <Advice d={plan.diagnostics} />
          {plan.diagnostics.models.length > 0 && <Checks d={plan.diagnostics} />}
        </div>
      )}
      {e.losers.length > 0 && (
        <details style={{ marginTop: 8 }}>
          <summary>Next best candidates, not chosen ({e.losers.length})</summary>
          <div className="scroll" tabIndex={0} role="group" aria-label="Candidates, scrollable">
            <table className="plain compact">
              <thead><tr>{doc.space.parameters.map((p) => <th scope="col" key={p.name}>{p.name}</th>)}<th scope="col" className="n">worth</th></tr></thead>
              <tbody>{e.losers.map((l, i) => <tr key={i}>{doc.space.parameters.map((p) => {
                const s = l.settings.find((x) => x.name === p.name);
                return <td key={p.name} className="nowrap">{s ? value(s.value, p.parts) : "–"}</td>; // absent where its condition does not hold
              })}<td className="n">{num(l.acquisition)}</td></tr>)}</tbody>
            </table>
          </div>
        </details>
      )}
    </Card>
  );
}

function Settings({ e, doc }: { e: Experiment; doc: Document }) {
  return (
    <Card title="Settings" flush>
      <table className="plain compact">
        <thead><tr><th scope="col">Parameter</th><th scope="col" className="n">Set to</th><th scope="col">Of</th></tr></thead>
        <tbody>
          {doc.space.parameters.map((p) => {
            const s = e.settings.find((x) => x.name === p.name);
            if (!s) return <tr key={p.name}><td>{p.name}</td><td className="n muted">absent</td><td className="muted small">there only where {p.when}</td></tr>;
            const range = p.levels?.join(", ") ?? p.values?.map((v) => num(v)).join(", ") ?? (p.min != null && p.max != null ? `${num(p.min)} to ${num(p.max)}` : "");
            return <tr key={s.name}><td>{s.name}</td><td className="n"><strong>{value(s.value, p.parts)}</strong> {unitLabel(s.unit)}</td><td className="muted small">{range}</td></tr>;
          })}
        </tbody>
      </table>
    </Card>
  );
}

function Results({ e, doc }: { e: Experiment; doc: Document }) {
  return (
    <Card title="Predicted and observed" flush>
      <div className="scroll" tabIndex={0} role="group" aria-label="Predicted and observed, scrollable">
        <table className="plain compact">
          <thead><tr><th scope="col">Objective</th><th scope="col" className="n">Predicted (95 % interval)</th><th scope="col" className="n">Observed</th></tr></thead>
          <tbody>
            {doc.objectives.map((o) => {
              const p = e.predictions.find((x) => x.objective === o.name);
              const m = e.observed.find((x) => x.name === o.name);
              const inside = p && m ? m.value >= p.low && m.value <= p.high : undefined;
              return (
                <tr key={o.name}>
                  <td>{o.name}<div className="muted small">{o.direction}</div></td>
                  <td className="n">{p ? <>{quantity(p.mean, p.unit)}<div className="muted small">{num(p.low)} to {num(p.high)}</div></> : <span className="muted">no model yet</span>}</td>
                  <td className="n">{m ? <><strong>{quantity(m.value, m.unit)}</strong>{m.sigma != null && <span className="muted"> ± {num(m.sigma, 2)}</span>}<div className="muted small">{inside === undefined ? "\u00a0" : inside ? "inside the interval" : "outside the interval"}</div></> : "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Steps({ e }: { e: Experiment }) {
  return (
    <Card title="Steps" flush>
      {!e.steps.length && <p className="muted" style={{ padding: "0 14px 14px", margin: 0 }}>Nothing has been sent to a device yet.</p>}
      <ol className="steps">{e.steps.map((s) => <Step key={s.command_id} s={s} />)}</ol>
    </Card>
  );
}

const known = (t: string) => !t.startsWith("0001-");

function Step({ s }: { s: StepRecord }) {
  const look = stepLook(s.state);
  const over = known(s.finished_at);
  const now = useNow(over ? undefined : 1000);
  const took = known(s.started_at) ? (over ? Date.parse(s.finished_at) : now.getTime()) - Date.parse(s.started_at) : NaN;
  return (
    <li className="step">
      <span className="mark" data-tone={look.tone}><Icon name={look.icon} /></span>
      <div>
        <div className="row between">
          <span><strong>{s.step}</strong>{s.intent > 1 && <span className="muted"> try {s.intent}</span>} <span className="muted">{s.command} on <Link href="/devices">{s.device}</Link></span></span>
          <span className="muted small nowrap">{words(s.state || "sent")} · {known(s.started_at) ? <Time at={s.started_at} how="clock" /> : "–"} · {duration(took)}</span>
        </div>
        {s.error && <div style={{ color: "var(--bad)" }}>{s.error}{s.code && <span className="mono small"> ({s.code})</span>}{s.effect && <span className="muted"> effect: {s.effect}</span>}</div>}
        <Values values={s.values} />
        <details>
          <summary>Parameters and command</summary>
          <Values values={s.params} />
          <CopyID id={s.command_id} />
        </details>
      </div>
    </li>
  );
}

/** What a device was given, or gave. It comes from outside, so it is only ever text. */
function Values({ values }: { values?: Record<string, unknown> }) {
  const entries = Object.entries(values ?? {});
  if (!entries.length) return null;
  return (
    <dl className="kv small" style={{ padding: "2px 0 4px" }}>
        {entries.map(([k, v]) => <div key={k} style={{ display: "contents" }}><dt className="mono">{k}</dt><dd>{typeof v === "number" ? num(v, 6) : typeof v === "string" ? v : JSON.stringify(v)}</dd></div>)}
      </dl>
  );
}
