import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link, useSearch } from "wouter";
import { answer, api, type ImportHeld, type ImportInfo, mappingURL } from "../api/client";
import { heldPage, keys, queryClient, useHeld, useImport } from "../api/queries";
import { Bar, Card, Crumbs, ErrorNote, Loading, Tag, Time } from "../ui/basics";
import { Ledger } from "../ui/Ledger";
import { plural, unitLabel } from "../util/format";

export const ImportTag = ({ i }: { i: ImportInfo }) =>
  i.state === "running" ? <Tag tone="run" icon="play">being imported</Tag> : i.state === "failed" ? <Tag tone="bad" icon="warn">failed</Tag> : i.held > 0 ? <Tag tone="wait" icon="question">{plural(i.held, "row")} held back</Tag> : <Tag tone="good" icon="check">imported</Tag>;

/** An import that was begun: how far it is, its ledger, and what it holds back. */
export function ImportedPage({ id }: { id: string }) {
  const found = useImport(id);
  const of = Number(new URLSearchParams(useSearch()).get("of")) || 0;
  const i = found.data;
  return (
    <div className="stack">
      <div className="pagehead" style={{ marginBottom: 0 }}>
        <div>
          <Crumbs trail={[{ to: "/data", text: "Data" }]} />
          <h1>{i ? i.source : "Import"}</h1>
          {i && <div className="muted small"><span className="mono">{id.slice(0, 12)}</span>, begun <Time at={i.begun_at} /></div>}
        </div>
        {i && <ImportTag i={i} />}
      </div>
      {found.isError && <ErrorNote error={found.error} what="The import cannot be shown" retry={() => void found.refetch()} />}
      {found.isPending && <Loading />}
      {i?.state === "running" && (
        <section className="card"><div className="body stack" role="status" style={{ gap: 8 }}>
          <span>{i.last_row.toLocaleString()}{of ? ` of ${of.toLocaleString()}` : ""} rows are on record. It goes on by itself, whatever is closed.</span>
          {of > 0 && <Bar value={i.last_row} of={of} label="Rows on record" />}
        </div></section>
      )}
      {i?.state === "failed" && <div className="note" data-tone="bad" role="alert"><h2>It can never be imported as it is</h2><p>{i.failure}</p></div>}
      {i?.summary && (
        <>
          <div className="cols2">
            <Card title="Ledger"><Ledger rows={now(i)} cells={i.cells} settled={i.settled} /></Card>
            <Card title="Mapping" flush right={<a className="small target" href={mappingURL(id)} download={`${i.source.replace(/\.[^.]*$/, "")}.mapping.yaml`}>Download as YAML</a>}>
              <div className="scroll" tabIndex={0} role="region" aria-label="What each column is"><table className="plain compact">
                <thead><tr><th scope="col">column</th><th scope="col">is</th><th scope="col">name</th><th scope="col">unit</th></tr></thead>
                <tbody>{i.mapping.columns.map((c) => <tr key={c.at}><td>{c.header || c.at}</td><td>{c.role === "ignore" ? "ignored" : c.role}{!c.confirmed && c.role !== "ignore" && <> <Tag tone="wait" icon="question">not confirmed</Tag></>}</td><td className="mono">{c.name}</td><td>{c.unit === "1" ? "none" : unitLabel(c.unit)}</td></tr>)}</tbody>
              </table></div>
            </Card>
          </div>
          {i.held > 0 ? <Held key={id} i={i} /> : <p className="note" data-tone="good" style={{ margin: 0 }}>Nothing is held back.</p>}
        </>
      )}
    </div>
  );
}

/** The rows as they stand now: what was corrected is imported. */
function now(i: ImportInfo) {
  const r = i.summary!.rows;
  return { ...r, imported: r.imported + i.settled, quarantined: i.held };
}

function Held({ i }: { i: ImportInfo }) {
  const [cursors, setCursors] = useState<(string | undefined)[]>([undefined]);
  const held = useHeld(i.id, cursors.at(-1), true);
  const [edits, setEdits] = useState<Record<number, string[]>>({});
  const [wrong, setWrong] = useState<Record<number, ImportHeld>>({});
  const [said, setSaid] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const rows = held.data?.items ?? [];
  const unconfirmed = i.mapping.columns.filter((c) => !c.confirmed && c.role !== "ignore");
  const changed = Object.keys(edits).length;
  const replay = async () => {
    setBusy(true);
    setError(undefined);
    setSaid(undefined);
    try {
      const r = await answer(api.POST("/imports/{id}/replay", { params: { path: { id: i.id } }, body: { rows: Object.entries(edits).map(([row, texts]) => ({ row: Number(row), texts })) } }));
      const still = Object.fromEntries(r.held.map((h) => [h.source.row, h]));
      setWrong(still);
      setEdits((e) => Object.fromEntries(Object.entries(e).filter(([row]) => Number(row) in still)));
      setSaid(`${plural(r.imported.length, "row")} imported${r.held.length ? `, ${r.held.length} still wrong` : ""}.`);
      await queryClient.invalidateQueries({ queryKey: keys.imports });
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title={`Held back (${i.held.toLocaleString()})`} right={<Button size="xs" disabled={!changed} loading={busy} onClick={() => void replay()}>{changed ? `Import ${plural(changed, "corrected row")}` : "Correct rows, then import them"}</Button>}>
      <div className="stack">
        {unconfirmed.length > 0 && (
          <p className="note" data-tone="wait" style={{ margin: 0 }}>
            {unconfirmed.map((c) => c.header || c.name).join(", ")} {unconfirmed.length === 1 ? "is" : "are"} not confirmed: correcting texts does not help.{" "}
            <Link href={`/data/import?${new URLSearchParams({ file: i.sha256, name: i.source, from: i.id }).toString()}`}>Answer the {unconfirmed.length === 1 ? "question" : "questions"} and import again</Link>
          </p>
        )}
        {said && <p className="note" data-tone="good" role="status" style={{ margin: 0 }}>{said}</p>}
        {error !== undefined && <ErrorNote error={error} what="That was refused" />}
        {held.isError && <ErrorNote error={held.error} what="The rows cannot be listed" retry={() => void held.refetch()} />}
        {held.isPending && <Loading />}
        {rows.map((h) => <HeldRow key={h.source.row} h={h} now={wrong[h.source.row]} i={i} texts={edits[h.source.row]} change={(texts) => setEdits((e) => ({ ...e, [h.source.row]: texts }))} />)}
        {(cursors.length > 1 || held.data?.next) && (
          <div className="row">
            <Button size="xs" variant="default" disabled={cursors.length < 2} onClick={() => setCursors((c) => c.slice(0, -1))}>Earlier rows</Button>
            <Button size="xs" variant="default" disabled={!held.data?.next} onClick={() => setCursors((c) => [...c, held.data?.next])}>The next {heldPage}</Button>
          </div>
        )}
      </div>
    </Card>
  );
}

function HeldRow({ h, now: again, i, texts, change }: { h: ImportHeld; now: ImportHeld | undefined; i: ImportInfo; texts: string[] | undefined; change: (texts: string[]) => void }) {
  const faults = (again ?? h).faults;
  const width = Math.max(i.mapping.columns.length, h.original.length);
  const whole = faults.some((f) => !f.column); // the row as such: all its cells are shown
  const of = (n: number) => faults.filter((f) => f.column === n);
  const cell = (n: number) => {
    const value = (texts ?? h.texts)[n - 1] ?? "";
    const set = (v: string) => {
      const next = Array.from({ length: Math.max(width, n) }, (_, k) => (texts ?? h.texts)[k] ?? "");
      next[n - 1] = v;
      change(next.slice(0, next.slice(i.mapping.columns.length).some((t) => t !== "") ? next.length : i.mapping.columns.length));
    };
    return <TextInput key={n} size="xs" label={i.mapping.columns[n - 1]?.header || `cell ${n}`} aria-label={`${i.mapping.columns[n - 1]?.header || `cell ${n}`} of row ${h.source.row}`} value={value} onChange={(e) => set(e.currentTarget.value)} error={of(n).map((f) => `${f.why}; want ${f.want}`).join("; ") || undefined} />;
  };
  const all = Array.from({ length: width }, (_, k) => k + 1);
  const bad = whole ? all : all.filter((n) => of(n).length);
  const rest = all.filter((n) => !bad.includes(n));
  return (
    <div className="heldrow" data-row={h.source.row}>
      <div className="row between tight">
        <strong>Row {h.source.row.toLocaleString()}</strong>
        <span className="row tight">{texts && <Tag tone="run" icon="play">corrected</Tag>}{[...new Set(faults.map((f) => f.code))].map((c) => <span key={c} className="pill">{c.replaceAll("_", " ")}</span>)}</span>
      </div>
      {faults.filter((f) => !f.column).map((f) => <div key={f.code} className="small bad">{f.why}; want {f.want}</div>)}
      <div className="cells">{bad.map(cell)}</div>
      {rest.length > 0 && <details><summary>its other cells</summary><div className="cells">{rest.map(cell)}</div></details>}
    </div>
  );
}
