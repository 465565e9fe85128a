import { Button, Checkbox, CopyButton, Group, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { answer, api, fileURL, type Snapshot, type SnapshotFormat } from "../api/client";
import { keys, queryClient, useImports, useManifest, useSnapshots } from "../api/queries";
import { Bar, Card, ErrorNote, Loading, Time } from "../ui/basics";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { bytes, plural } from "../util/format";
import { ImportTag } from "./ImportedPage";

const formats: Record<SnapshotFormat, string> = {
  parquet: "Parquet: tables",
  jsonl: "JSON Lines: everything",
  csv: "CSV: settings and values",
  chat: "Chats, for training",
  preference: "Preferences, for training",
  croissant: "Croissant: described for machines",
  rocrate: "RO-Crate: with its provenance",
  hf: "A data set with a card",
};
const names = Object.keys(formats) as SnapshotFormat[];
const formatSays = (f: string) => formats[f as SnapshotFormat] ?? f;

/** The snapshots of the record, with their files. */
export function DataPage() {
  const snapshots = useSnapshots();
  const [making, setMaking] = useState(false);
  const [work, setWork] = useState<string>();
  const all = snapshots.data ?? [];
  return (
    <div className="stack">
      <div className="pagehead" style={{ marginBottom: 0 }}>
        <div>
          <h1>Data</h1>
          <div className="muted">What came in from elsewhere, and snapshots of what the laboratory recorded. A snapshot that has a name never changes.</div>
        </div>
        <div className="row">
          <Button component={Link} href="/data/import" variant="default" leftSection={<Icon name="down" />}>Import a file</Button>
          <Button leftSection={<Icon name="plus" />} onClick={() => setMaking(true)}>New snapshot</Button>
        </div>
      </div>
      <Imports />
      {work && <Making work={work} over={() => setWork(undefined)} />}
      {snapshots.isError && <ErrorNote error={snapshots.error} what="The snapshots cannot be listed" retry={() => void snapshots.refetch()} />}
      {snapshots.isPending && <Loading />}
      {snapshots.data && !all.length && (
        <section className="card empty">
          <h2 style={{ fontSize: 18, margin: 0 }}>No snapshot is kept yet</h2>
          <p className="muted">A snapshot holds every experiment up to a moment, failures too, with what is needed to learn from it.</p>
        </section>
      )}
      {all.map((s) => <SnapshotCard key={s.id} s={s} />)}
      <New open={making} onClose={() => setMaking(false)} began={setWork} />
    </div>
  );
}

/** What was imported, the newest first. */
function Imports() {
  const imports = useImports();
  if (imports.isError) return <ErrorNote error={imports.error} what="The imports cannot be listed" retry={() => void imports.refetch()} />;
  if (!imports.data?.length) return null;
  return (
    <Card title="Imports" flush>
      <div className="scroll" tabIndex={0} role="region" aria-label="Files that were imported"><table className="plain compact">
        <thead><tr><th scope="col">file</th><th scope="col">state</th><th scope="col" className="n">rows imported</th><th scope="col" className="n">held back</th><th scope="col">begun</th></tr></thead>
        <tbody>
          {imports.data.map((i) => (
            <tr key={i.id}>
              <td><Link href={`/data/imports/${i.id}`} className="title target">{i.source}</Link></td>
              <td><ImportTag i={i} /></td>
              <td className="n">{i.summary ? (i.summary.rows.imported + i.settled).toLocaleString() : ""}</td>
              <td className="n">{i.summary ? i.held.toLocaleString() : ""}</td>
              <td><Time at={i.begun_at} /></td>
            </tr>
          ))}
        </tbody>
      </table></div>
    </Card>
  );
}

function SnapshotCard({ s }: { s: Snapshot }) {
  return (
    <Card label={`Snapshot ${s.id.slice(0, 12)}`} title={<span className="row tight mono">{s.id.slice(0, 12)}
      <CopyButton value={s.id}>{({ copied, copy }) => <Button size="compact-xs" variant="subtle" color="gray" onClick={copy}>{copied ? "Copied" : "Copy the whole id"}</Button>}</CopyButton></span>}
      right={<span className="muted small">{plural(s.rows, "experiment")}, {bytes(s.bytes)}{s.license && `, ${s.license}`}</span>}>
      <Files id={s.id} format="" says="The snapshot itself" />
      {s.exports.map((f) => <Files key={f} id={s.id} format={f} says={formatSays(f)} />)}
    </Card>
  );
}

function Files({ id, format, says }: { id: string; format: string; says: string }) {
  const [open, setOpen] = useState(false);
  const files = useManifest(id, format, open);
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{says}</summary>
      {files.isError && <ErrorNote error={files.error} what="Its files cannot be listed" retry={() => void files.refetch()} />}
      {open && files.isPending && <Loading lines={2} />}
      {files.data && (
        <ul className="files">
          {files.data.map((f) => (
            <li key={f.path}>
              <a href={fileURL(id, format, f.path)} download className="mono target" title={f.sha256 && `SHA-256 ${f.sha256}`}>{f.path}</a>
              <span className="muted small nowrap">{f.rows ? `${plural(f.rows, "row")}, ` : ""}{f.bytes === undefined ? "names the files, with their hashes" : bytes(f.bytes)}</span>
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}

/** How far a snapshot has come that was begun here. */
function Making({ work, over }: { work: string; over: () => void }) {
  const state = useQuery({
    queryKey: ["snapshot work", work],
    queryFn: () => answer(api.GET("/snapshots/work/{work}", { params: { path: { work } } })),
    refetchInterval: (q) => (q.state.data?.state === "done" || q.state.error ? false : 1000),
  });
  const w = state.data;
  const done = w?.state === "done";
  useEffect(() => {
    if (done) void queryClient.invalidateQueries({ queryKey: keys.snapshots });
  }, [done]);
  if (state.isError) return <ErrorNote error={state.error} what="The snapshot cannot be followed" retry={() => void state.refetch()} />;
  return (
    <div className="note" data-tone={done ? "good" : undefined} role="status">
      <div className="row between">
        <span>{!w ? "The snapshot begins." : done ? `The snapshot ${w.snapshot.slice(0, 12)} is there: ${plural(w.rows, "experiment")}.` : `The snapshot is being made (${w.state}): ${plural(w.rows, "experiment")} read.`}</span>
        {done && <Button size="compact-xs" variant="default" onClick={over}>Close</Button>}
      </div>
      {w && !done && <Bar value={w.read} of={w.parts} label="Parts read" />}
    </div>
  );
}

function New({ open, onClose, began }: { open: boolean; onClose: () => void; began: (work: string) => void }) {
  const [exports, setExports] = useState<string[]>([]);
  const [access, setAccess] = useState<"open" | "internal" | "restricted">("internal");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const begin = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const w = await answer(api.POST("/snapshots", { body: { access, exports: names.filter((f) => exports.includes(f)) } }));
      began(w.id);
      onClose();
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open={open} onClose={onClose} title="New snapshot">
      <div className="stack">
        <span className="small">Of all campaigns, as they stand now. The same record gives the same snapshot.</span>
        <Select label="At most this access" value={access} allowDeselect={false} onChange={(v) => setAccess(v === "open" || v === "restricted" ? v : "internal")} data={["open", "internal", "restricted"]} />
        <Checkbox.Group label="Write it besides as" value={exports} onChange={setExports}>
          <div className="stack" style={{ gap: 8, marginTop: 6 }}>{names.map((f) => <Checkbox key={f} value={f} label={formats[f]} />)}</div>
        </Checkbox.Group>
        {error !== undefined && <ErrorNote error={error} what="That was refused" />}
        <Group justify="flex-end"><Button variant="default" onClick={onClose}>Leave it</Button><Button loading={busy} onClick={() => void begin()}>Make it</Button></Group>
      </div>
    </Dialog>
  );
}
