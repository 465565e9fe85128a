import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { answer, api, type Correction, type ReadFinding, type Reading } from "../api/client";
import { keys, queryClient, useFindings } from "../api/queries";
import { useStored } from "../hooks/useStored";
import { quantity, words } from "../util/format";
import { changed, formOf } from "../util/reading";
import { Card, ErrorNote, Loading, Tag, Time, type Tone } from "./basics";
import type { IconName } from "./Icon";

const looks: Record<ReadFinding["status"], { tone: Tone; icon: IconName }> = {
  found: { tone: "off", icon: "dash" },
  accepted: { tone: "good", icon: "check" },
  rejected: { tone: "bad", icon: "cross" },
  corrected: { tone: "run", icon: "check" },
};

/** What was found in the papers, each with its words marked, for a person to accept, reject or correct. */
export function Checking({ id, r }: { id: string; r: Reading }) {
  const [paper, setPaper] = useState("");
  const [all, setAll] = useState(false);
  const [by, setBy] = useStored("name", "");
  const found = useFindings(id, r.papers.some((p) => p.id === paper) ? paper : "", all);
  const f = found.data;
  const say = async (c: Omit<Correction, "by">) => {
    await answer(api.POST("/campaigns/{id}/literature/corrections", { params: { path: { id } }, body: { ...c, by: by.trim() || undefined } }));
    await queryClient.invalidateQueries({ queryKey: keys.findings(id) });
    if (r.state === "screening") void queryClient.invalidateQueries({ queryKey: keys.reading(id) });
  };
  return (
    <Card title="Check what was found" flush right={f && <span className="small muted" role="status">{f.checked} of {f.total} checked</span>}>
      <div className="stack" style={{ gap: 10, padding: "0 14px 12px", borderBottom: "1px solid var(--line)" }}>
        <p className="small muted" style={{ margin: 0 }}>
          {r.state === "screening" ? "What you say counts when this campaign reads, and for all that read the corpus later." : "This campaign has read: what you say counts for those that read the corpus from now on."}
        </p>
        <div className="row" style={{ alignItems: "flex-end", gap: "8px 16px" }}>
          <NativeSelect size="xs" label="In" value={paper} onChange={(e) => setPaper(e.currentTarget.value)} style={{ maxWidth: "min(420px, 100%)" }}
            data={[{ value: "", label: "all papers that are kept" }, ...r.papers.map((p) => ({ value: p.id, label: p.title || p.id }))]} />
          <TextInput size="xs" label="Your name, beside what you check" value={by} onChange={(e) => setBy(e.currentTarget.value)} maxLength={200} autoComplete="name" />
          <Checkbox size="xs" label="what bears on nothing here, too" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} style={{ paddingBottom: 6 }} />
        </div>
      </div>
      {found.isError && <ErrorNote error={found.error} what="The findings cannot be listed" retry={() => void found.refetch()} />}
      {!f && found.isPending && <div style={{ padding: 14 }}><Loading label="Loading the findings" /></div>}
      {f && !f.items.length && <p className="muted" style={{ padding: 14, margin: 0 }}>Nothing was found that bears on the campaign.</p>}
      <ol className="steps">
        {f?.items.map((x) => <Finding key={x.id} f={x} title={r.papers.find((p) => p.id === x.paper)?.title ?? x.paper} say={say} />)}
      </ol>
      {f && f.items.length < f.total && <p className="small muted" style={{ padding: "8px 14px", margin: 0 }}>The first {f.items.length} of {f.total}: choose a paper to see the others.</p>}
    </Card>
  );
}

const range = (f: { value: number; high: number; unit: string }) => (f.high === f.value ? quantity(f.value, f.unit) : `${f.value}–${quantity(f.high, f.unit)}`);

function Finding({ f, title, say }: { f: ReadFinding; title: string; say: (c: Omit<Correction, "by">) => Promise<void> }) {
  const [correcting, setCorrecting] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const name = `${f.parameter} ${range(f)}`;
  const send = async (c: Omit<Correction, "by" | "paper" | "finding">) => {
    setBusy(true);
    setError(undefined);
    try {
      await say({ paper: f.paper, finding: f.id, ...c });
      setCorrecting(false);
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <li className="finding" data-status={f.status} aria-label={name}>
      <div className="row between">
        <div className="row">
          <strong className="what">{name}</strong>
          {f.operation && <span className="small muted">{f.operation}</span>}
          {f.outcome && <span className="small muted">measured</span>}
          {f.was && <span className="small muted">found as {f.was.parameter} {range(f.was)}</span>}
          {f.sets && <span className="pill" data-tone={f.outside ? "wait" : undefined}>{f.sets}{f.outside && ", beyond its limits"}</span>}
        </div>
        <Tag {...looks[f.status]}>{f.status === "found" ? "not checked" : words(f.status)}</Tag>
      </div>
      {f.passage.length > 0 ? (
        <p className="passage">{f.passage.map((p, i) => (p.is ? <mark key={i} data-is={p.is} title={p.is}>{p.text}</mark> : <span key={i}>{p.text}</span>))}</p>
      ) : <p className="muted small" style={{ margin: 0 }}>The paper’s text is another one by now; the words around it are gone.</p>}
      <div className="small muted">{title}</div>
      {f.words.length > 0 && (
        <ul className="papers small muted" style={{ margin: 0, gap: 2 }}>
          {f.words.map((w, i) => <li key={i}>{w.by} {w.verdict === "reopened" ? "took back what was said" : `${w.verdict} it`}{w.changes && `: ${w.changes}`}{w.why && ` (${w.why})`}, <Time at={w.at} /></li>)}
        </ul>
      )}
      {correcting ? <CorrectForm f={f} busy={busy} save={(c) => void send(c)} leave={() => setCorrecting(false)} /> : (
        <div className="row">
          <Button size="compact-sm" variant="default" loading={busy} disabled={f.status === "accepted"} onClick={() => void send({ verdict: "accepted" })} aria-label={`Right: ${name}`}>Right</Button>
          <Button size="compact-sm" variant="default" loading={busy} disabled={f.status === "rejected"} onClick={() => void send({ verdict: "rejected" })} aria-label={`Wrong: ${name}`}>Wrong</Button>
          <Button size="compact-sm" variant="default" loading={busy} onClick={() => setCorrecting(true)} aria-label={`Correct ${name}`}>Correct…</Button>
          {f.status !== "found" && <Button size="compact-sm" variant="subtle" color="gray" loading={busy} onClick={() => void send({ verdict: "reopened" })} aria-label={`Take back what was said of ${name}`}>Take back</Button>}
        </div>
      )}
      {error !== undefined && <ErrorNote error={error} what="That was not taken" />}
    </li>
  );
}

function CorrectForm({ f, busy, save, leave }: { f: ReadFinding; busy: boolean; save: (c: Omit<Correction, "by" | "paper" | "finding">) => void; leave: () => void }) {
  const [form, setForm] = useState(() => formOf(f));
  const [why, setWhy] = useState("");
  const [wrong, setWrong] = useState("");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const c = changed(f, form);
    if ("wrong" in c) {
      setWrong(c.wrong);
      return;
    }
    setWrong("");
    save({ verdict: "corrected", ...c.fields, why: why.trim() || undefined });
  };
  const text = (key: "value" | "high" | "unit" | "parameter" | "operation", label: string, extra?: { required?: boolean; description?: string; autoFocus?: boolean }) => (
    <TextInput size="xs" label={label} value={form[key]} maxLength={100} onChange={(e) => setForm({ ...form, [key]: e.currentTarget.value })} {...extra} />
  );
  return (
    <form onSubmit={submit} className="stack" style={{ gap: 10 }} aria-label={`Correct ${f.parameter}`}>
      <div className="fields">
        {text("value", "Value", { required: true, autoFocus: true })}
        {text("high", "To, for a range")}
        {text("unit", "Unit, in UCUM")}
        {text("parameter", "Parameter", { required: true })}
        {text("operation", "A condition of")}
        <NativeSelect size="xs" label="It was" value={form.outcome ? "measured" : "set"} data={["set", "measured"]} onChange={(e) => setForm({ ...form, outcome: e.currentTarget.value === "measured" })} />
        <TextInput size="xs" label="Why" value={why} maxLength={1000} onChange={(e) => setWhy(e.currentTarget.value)} />
      </div>
      {wrong && <p role="alert" className="small" style={{ margin: 0, color: "var(--bad)" }}>{wrong}</p>}
      <div className="row">
        <Button size="compact-sm" type="submit" loading={busy}>Save</Button>
        <Button size="compact-sm" variant="default" onClick={leave}>Leave it</Button>
      </div>
    </form>
  );
}
