import { Button, Menu } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { ApiError, checkDocument, type Document, fetchSource, submitDocument, type Verdict } from "../api/client";
import { keys, useExamples } from "../api/queries";
import { useStored } from "../hooks/useStored";
import { Card, Crumbs, ErrorNote } from "../ui/basics";
import type { EditorHandle } from "../ui/Editor";
import { Icon } from "../ui/Icon";
import { LazyEditor } from "../ui/LazyEditor";
import { num, plural, unitLabel, value, words } from "../util/format";

const skeleton = `athanor: campaign/1
title: 
space:
  parameters: []
objectives: []
protocol:
  steps: []
  observe: []
budget: {experiments: 24}
`;

export function Composer() {
  const [, go] = useLocation();
  const client = useQueryClient();
  const [params] = useSearchParams();
  const [draft, setDraft] = useStored("draft", "");
  const [text, setText] = useState(draft || skeleton);
  const [verdict, setVerdict] = useState<Verdict>();
  const [checking, setChecking] = useState(false);
  const [checkError, setCheckError] = useState<unknown>();
  const [submitError, setSubmitError] = useState<unknown>();
  const [submitting, setSubmitting] = useState(false);
  const examples = useExamples();
  const editor = useRef<EditorHandle | null>(null);
  const setEditor = useCallback((h: EditorHandle | null) => void (editor.current = h), []);
  const key = useRef({ text: "", key: "" });

  const change = useCallback((t: string) => {
    setText(t);
    setDraft(t);
  }, [setDraft]);

  // A link may bring an example, or the document of another campaign, once.
  const example = params.get("example");
  const from = params.get("from");
  const brought = useRef(false);
  useEffect(() => {
    if (brought.current) return;
    const e = example && examples.data?.find((x) => x.name === example);
    if (e) {
      brought.current = true;
      change(e.source);
    } else if (from) {
      brought.current = true;
      fetchSource(from).then(change, setCheckError);
    }
  }, [example, from, examples.data, change]);

  // The server that will take the document checks it as it is written; the newest answer counts.
  useEffect(() => {
    const stop = new AbortController();
    const t = setTimeout(() => {
      setChecking(true);
      checkDocument(text, stop.signal).then(
        (v) => {
          setVerdict(v);
          setCheckError(undefined);
          setChecking(false);
        },
        (e: unknown) => {
          if (stop.signal.aborted) return;
          setCheckError(e);
          setChecking(false);
        },
      );
    }, 250);
    return () => {
      clearTimeout(t);
      stop.abort();
    };
  }, [text]);

  const submit = async () => {
    if (key.current.text !== text) key.current = { text, key: crypto.randomUUID() };
    setSubmitting(true);
    setSubmitError(undefined);
    try {
      const c = await submitDocument(text, key.current.key);
      setDraft("");
      void client.invalidateQueries({ queryKey: keys.campaigns });
      go(`/campaigns/${c.id}`);
    } catch (e) {
      setSubmitError(e);
      if (e instanceof ApiError && e.problem?.errors) setVerdict({ valid: false, problems: e.problem.errors });
    } finally {
      setSubmitting(false);
    }
  };

  const openFile = async (file: File | null | undefined) => {
    if (file) change(await file.text());
  };
  const picker = useRef<HTMLInputElement>(null);
  const n = verdict?.problems.length ?? 0;
  return (
    <>
      <div className="pagehead">
        <div>
          <Crumbs trail={[{ to: "/", text: "Campaigns" }]} />
          <h1>New campaign</h1>
        </div>
        <div className="row">
          <Menu position="bottom-end" withinPortal>
            <Menu.Target><Button variant="default">Examples</Button></Menu.Target>
            <Menu.Dropdown>
              {(examples.data ?? []).map((e) => <Menu.Item key={e.name} onClick={() => change(e.source)}>{e.title}</Menu.Item>)}
              {!examples.data?.length && <Menu.Item disabled>This server has none</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
          <Button variant="default" onClick={() => picker.current?.click()}>Open file…</Button>
          <input ref={picker} type="file" accept=".yaml,.yml,.json" hidden aria-label="Open a campaign document" onChange={(e) => { void openFile(e.currentTarget.files?.[0]); e.currentTarget.value = ""; }} />
          <Button onClick={() => void submit()} loading={submitting} disabled={!verdict?.valid} data-testid="submit">Submit</Button>
        </div>
      </div>
      <div className="composer">
        <div className="editor" onDragOver={(e) => e.preventDefault()} onDrop={(e) => { e.preventDefault(); void openFile(e.dataTransfer.files[0]); }}>
          <LazyEditor text={text} onChange={change} problems={verdict?.problems} handle={setEditor} label="Campaign document, YAML or JSON" />
        </div>
        <div className="stack sticky">
          {submitError !== undefined && <ErrorNote error={submitError} what="The campaign was not taken" />}
          {checkError !== undefined && <ErrorNote error={checkError} what="The document cannot be checked now" />}
          <Card title={n ? `${plural(n, "mistake")} to mend` : "Check"} right={<span className="muted small" aria-live="polite">{checking ? "checking…" : verdict?.valid ? "checked by the server" : ""}</span>}>
            {!verdict && <p className="muted" style={{ margin: 0 }}>The server checks the document while you write.</p>}
            {verdict?.valid && <p className="note" data-tone="good" style={{ margin: 0 }}><span className="row tight"><Icon name="check" /> Ready to submit.</span></p>}
            {n > 0 && (
              <ul className="findings">
                {verdict?.problems.map((p, i) => (
                  <li key={`${p.path}-${i}`}>
                    <button type="button" onClick={() => editor.current?.jump(p.line ?? 1, p.column)}>
                      <span className="where"><span className="mono">{p.path || "document"}</span>{p.line ? <span className="nowrap">line {p.line}</span> : null}</span>
                      <span style={{ display: "block" }}>{p.wrong}</span>
                      {p.right && <span className="right-way" style={{ display: "block" }}>→ {p.right}</span>}
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </Card>
          {verdict?.document && n === 0 && <Outline doc={verdict.document} />}
        </div>
      </div>
    </>
  );
}

/** The document as the server understood it. */
function Outline({ doc }: { doc: Document }) {
  return (
    <Card title="As the server reads it">
      <dl className="kv">
        <dt>Title</dt><dd>{doc.title}</dd>
        <dt>Vary</dt>
        <dd>{doc.space.parameters.map((p) => (
          <div key={p.name}><strong>{p.name}</strong> <span className="muted">{p.levels?.join(", ") ?? p.values?.map((v) => num(v)).join(", ") ?? p.parts?.join(", ") ?? `${num(p.min)} to ${num(p.max)}`} {unitLabel(p.unit)}{p.when && `, where ${p.when}`}</span></div>
        ))}</dd>
        <dt>Find</dt>
        <dd>{doc.objectives.map((o) => <div key={o.name}>{o.direction} <strong>{o.name}</strong> <span className="muted">{unitLabel(o.unit)}</span></div>)}</dd>
        <dt>Steps</dt><dd>{doc.protocol.steps.map((s) => s.id).join(" → ")}</dd>
        <dt>Budget</dt><dd>{plural(doc.budget.experiments, "experiment")}, {plural(doc.plan.in_flight || 1, "experiment")} at once</dd>
        {doc.plan.fidelity && <><dt>Judged at</dt><dd>{doc.plan.fidelity.parameter} {value(doc.plan.fidelity.target)}; cheaper ones tell of it</dd></>}
        {doc.safety.start && <><dt>Begins at</dt><dd>{plural(doc.safety.start.points.length, "point")} declared safe, in steps of {num(100 * (doc.safety.start.within || 0.1))} % of each range</dd></>}
        <dt>Approval</dt><dd>{words(doc.safety.approve || "never").replace("-", " ")}</dd>
      </dl>
    </Card>
  );
}
