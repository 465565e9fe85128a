import { Button, Progress, Select } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { answer, api, type ImportMapping, type ImportOffered, type ImportTrial, uploadImport } from "../api/client";
import { keys, queryClient, useImport, useInbox } from "../api/queries";
import { useStored } from "../hooks/useStored";
import { Card, Crumbs, ErrorNote, Loading, Time } from "../ui/basics";
import { Icon } from "../ui/Icon";
import { ImportColumns, ImportRules } from "../ui/ImportColumns";
import { ImportSample } from "../ui/ImportSample";
import { Ledger } from "../ui/Ledger";
import { asks } from "../util/imports";
import { bytes, plural } from "../util/format";

/** A file, what its columns mean, and what an import of it would do. */
export function ImportPage() {
  const query = new URLSearchParams(useSearch());
  const [, go] = useLocation();
  const sha = query.get("file") ?? "";
  const source = query.get("name") ?? "";
  const chosen = (o: ImportOffered, sheet = "") => go(`/data/import?${new URLSearchParams({ file: o.sha256, name: o.source, ...(sheet ? { sheet } : {}) }).toString()}`);
  return (
    <div className="stack">
      <div className="pagehead" style={{ marginBottom: 0 }}>
        <div>
          <Crumbs trail={[{ to: "/data", text: "Data" }]} />
          <h1>{sha ? `Import ${source || "a file"}` : "Import a file"}</h1>
        </div>
      </div>
      {/^[0-9a-f]{64}$/.test(sha) ? <Review key={`${sha} ${query.get("sheet") ?? ""}`} o={{ sha256: sha, source }} sheet={query.get("sheet") ?? ""} from={query.get("from") ?? ""} other={(sheet) => chosen({ sha256: sha, source }, sheet)} /> : <Choose chosen={chosen} />}
    </div>
  );
}

function Choose({ chosen }: { chosen: (o: ImportOffered) => void }) {
  const inbox = useInbox();
  const picker = useRef<HTMLInputElement>(null);
  const [sent, setSent] = useState<number>();
  const [over, setOver] = useState(false);
  const [error, setError] = useState<unknown>();
  const take = async (f: () => Promise<ImportOffered>) => {
    setError(undefined);
    setSent(0);
    try {
      chosen(await f());
    } catch (e) {
      setError(e);
    } finally {
      setSent(undefined);
    }
  };
  const upload = (file: File | null | undefined) => file && void take(() => uploadImport(file, setSent));
  return (
    <>
      {error !== undefined && <ErrorNote error={error} what="The file was not taken" />}
      <section className="card empty drop" data-over={over || undefined} onDragOver={(e) => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
        onDrop={(e) => { e.preventDefault(); setOver(false); upload(e.dataTransfer.files[0]); }}>
        <h2 style={{ fontSize: 18, margin: 0 }}>Drop a file here</h2>
        <p className="muted">CSV, TSV, XLSX, JSON, Parquet, ORD, Allotrope, Bluesky, JCAMP-DX or .eln. Nothing is imported until you have seen what would be.</p>
        <div className="center"><Button onClick={() => picker.current?.click()} loading={sent !== undefined} leftSection={<Icon name="plus" />}>Choose a file…</Button></div>
        {sent !== undefined && <Progress mt={12} value={100 * sent} aria-label="How much of the file is sent" />}
        <input ref={picker} type="file" hidden aria-label="File to import" onChange={(e) => { upload(e.currentTarget.files?.[0]); e.currentTarget.value = ""; }} />
      </section>
      {inbox.isError && <ErrorNote error={inbox.error} what="The folder of imports cannot be read" retry={() => void inbox.refetch()} />}
      {inbox.data?.folder && (
        <Card title="In the server's folder of imports" right={<span className="muted small mono">{inbox.data.folder}</span>}>
          {!inbox.data.items.length && <p className="muted" style={{ margin: 0 }}>It is empty. What is put there can be chosen here, however large.</p>}
          <ul className="files" style={{ paddingLeft: 0 }}>
            {inbox.data.items.map((f) => (
              <li key={f.name}>
                <span className="mono">{f.name}</span>
                <span className="row"><span className="muted small nowrap">{bytes(f.bytes)}, <Time at={f.modified_at} /></span>
                  <Button size="compact-xs" variant="default" disabled={sent !== undefined} aria-label={`Choose ${f.name}`} onClick={() => void take(() => answer(api.POST("/imports/inbox", { body: { name: f.name } })))}>Choose</Button></span>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

/** The mapping as it is edited; each change is tried by the server that would import. */
function useTrial(o: ImportOffered, sheet: string, from: string) {
  const [kept, keep] = useStored("import", "");
  const earlier = useImport(from, from !== "");
  const [mapping, setMapping] = useState<ImportMapping | undefined>(() => remembered(kept, o.sha256, sheet));
  const ready = from === "" || earlier.data !== undefined || earlier.isError;
  const start = mapping ?? earlier.data?.mapping;
  const key = JSON.stringify(start ?? null);
  const [asked, setAsked] = useState(key);
  useEffect(() => {
    const t = setTimeout(() => setAsked(key), 200);
    return () => clearTimeout(t);
  }, [key]);
  const trial = useQuery({
    queryKey: ["import try", o.sha256, o.source, sheet, asked],
    queryFn: ({ signal }) => answer(api.POST("/imports/try", { body: { ...o, ...(asked === "null" ? (sheet ? { sheet } : {}) : { mapping: JSON.parse(asked) as ImportMapping }) }, signal })),
    enabled: ready,
    staleTime: Infinity,
    retry: false,
    placeholderData: keepPreviousData,
  });
  const change = useCallback(
    (m: ImportMapping) => {
      setMapping(m);
      keep(JSON.stringify({ sha: o.sha256, sheet, mapping: m }));
    },
    [keep, o.sha256, sheet],
  );
  const again = () => {
    keep("");
    setMapping(undefined);
  };
  // A mapping that is refused leaves the last answer on the page, to be mended there.
  const [good, setGood] = useState<ImportTrial>();
  if (trial.data && trial.data !== good) setGood(trial.data);
  const settled = asked === key && !trial.isFetching && !trial.isError;
  return { trial, tried: trial.data ?? good, mapping: start ?? trial.data?.mapping, change, again, settled };
}

function remembered(kept: string, sha: string, sheet: string): ImportMapping | undefined {
  try {
    const k = JSON.parse(kept) as { sha?: string; sheet?: string; mapping?: ImportMapping };
    return k.sha === sha && k.sheet === sheet ? k.mapping : undefined;
  } catch {
    return undefined;
  }
}

function Review({ o, sheet, from, other }: { o: ImportOffered; sheet: string; from: string; other: (sheet: string) => void }) {
  const { trial, tried: t, mapping, change, again, settled } = useTrial(o, sheet, from);
  if (!t || !mapping) {
    if (!trial.isError) return <Loading label="Reading the file" />;
    return (
      <>
        <ErrorNote error={trial.error} what={mapping ? "With the mapping that was begun here it cannot be imported" : "The file cannot be read as a table"} retry={() => void trial.refetch()} />
        {mapping && <div><Button variant="default" onClick={again}>Begin again with the proposed mapping</Button></div>}
      </>
    );
  }
  return (
    <div className="cols32 starts imports">
      <div className="stack">
        {t.tables.length > 1 && <Select label={`The file has ${t.tables.length} tables`} data={t.tables} value={mapping.table} allowDeselect={false} onChange={(v) => v && v !== mapping.table && other(v)} />}
        <ImportColumns trial={t} mapping={mapping} change={change} />
        <ImportRules mapping={mapping} change={change} />
      </div>
      <div className="stack">
        <div className="stack sticky">
          {trial.isError && <ErrorNote error={trial.error} what="With this mapping it cannot be imported" />}
          <Outcome o={o} t={t} mapping={mapping} change={change} again={again} settled={settled} />
        </div>
      </div>
      <div className="span"><ImportSample trial={t} /></div>
    </div>
  );
}

type OutcomeProps = { o: ImportOffered; t: ImportTrial; mapping: ImportMapping; change: (m: ImportMapping) => void; again: () => void; settled: boolean };

function Outcome({ o, t, mapping, change, again, settled }: OutcomeProps) {
  const [, go] = useLocation();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const picker = useRef<HTMLInputElement>(null);
  const rows = t.summary.rows;
  const begin = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const i = await answer(api.POST("/imports", { body: { ...o, mapping: t.mapping } }));
      void queryClient.invalidateQueries({ queryKey: keys.imports });
      go(`/data/imports/${i.id}${t.partial ? "" : `?of=${rows.all}`}`);
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  const open = async (file: File | null | undefined) => {
    if (!file) return;
    setError(undefined);
    try {
      change((await answer(api.POST("/imports/try", { body: { ...o, yaml: await file.text() } }))).mapping);
    } catch (e) {
      setError(e);
    }
  };
  const waiting = mapping.columns.filter(asks);
  const faults = t.summary.faults.filter((f) => f.code !== "unconfirmed");
  return (
    <Card title="What an import would do" right={<span className="muted small" aria-live="polite" data-testid="tried">{settled ? "tried by the server" : "trying…"}</span>}>
      <div className="stack" style={{ opacity: settled ? 1 : 0.6 }}>
        {waiting.length > 0 && (
          <p className="note" data-tone="wait" style={{ margin: 0 }}>
            Rows with a value in {waiting.map((c) => c.header || c.name).join(", ")} are held back until {waiting.length === 1 ? "its question is" : "the questions are"} answered: one click each, beside the column.
          </p>
        )}
        <Ledger rows={rows} cells={t.summary.cells} partial={t.partial} />
        {mapping.dialect.guessed && !mapping.encoding_confirmed && (
          <div className="note" data-tone="wait">The encoding {mapping.dialect.encoding} was guessed. <Button size="compact-xs" variant="default" onClick={() => change({ ...mapping, encoding_confirmed: true })}>The text reads right</Button></div>
        )}
        {faults.length > 0 && (
          <div>
            <h3>Held back because of</h3>
            <ul className="points small">
              {faults.slice(0, 12).map((f) => <li key={`${f.code}-${f.column}`}><strong>{plural(f.alike, "cell")}</strong>{f.header ? ` in ${f.header}` : ""}: {f.why}, as “{f.text}” in row {f.row}. Right would be {f.want}.</li>)}
              {faults.length > 12 && <li>and {plural(faults.length - 12, "other kind")}</li>}
            </ul>
          </div>
        )}
        {t.summary.notes.length > 0 && <details><summary>{plural(t.summary.notes.length, "note")} about the file</summary><ul className="points small">{t.summary.notes.map((n) => <li key={`${n.code}-${n.row}-${n.column}`}>{n.text}</li>)}</ul></details>}
        {error !== undefined && <ErrorNote error={error} what="That was refused" />}
        {t.on_record && <p className="note" style={{ margin: 0 }}>This file was imported by this mapping before. <a href={`/data/imports/${t.import}`}>See it</a></p>}
        <div className="row">
          <Button onClick={() => void begin()} loading={busy} disabled={!settled || (waiting.length > 0 && rows.imported === 0)}>{t.on_record ? "Open it" : t.partial ? "Import the file" : `Import ${plural(rows.imported, "row")}`}</Button>
          <Button variant="default" disabled={!settled} leftSection={<Icon name="down" size={14} />} onClick={() => save(t)}>Save the mapping</Button>
          <Button variant="default" onClick={() => picker.current?.click()}>Open a mapping…</Button>
          <Button variant="subtle" color="gray" onClick={again}>Begin again</Button>
          <input ref={picker} type="file" accept=".yaml,.yml,.json" hidden aria-label="Open a mapping" onChange={(e) => { void open(e.currentTarget.files?.[0]); e.currentTarget.value = ""; }} />
        </div>
      </div>
    </Card>
  );
}

function save(t: ImportTrial) {
  const url = URL.createObjectURL(new Blob([t.yaml], { type: "application/yaml" }));
  const a = document.createElement("a");
  a.href = url;
  a.download = `${t.source.replace(/\.[^.]*$/, "") || "import"}.mapping.yaml`;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
