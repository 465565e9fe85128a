import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import type { ImportColumn, ImportMapping, ImportTrial } from "../api/client";
import { asks, matching, needsUnit, say, texts, withColumn } from "../util/imports";
import { percent, plural, unitLabel } from "../util/format";
import { Card, Tag } from "./basics";
import { Icon } from "./Icon";

const roles = [
  { value: "parameter", label: "Parameter (chosen)" },
  { value: "objective", label: "Objective (seen)" },
  { value: "attribute", label: "Attribute (text)" },
  { value: "ignore", label: "Ignored" },
];
const types = ["number", "integer", "text", "time", "smiles"];
const a = (role: string) => (role === "parameter" ? "a parameter" : role === "ignore" ? "ignored" : `an ${role}`);

type Props = { trial: ImportTrial; mapping: ImportMapping; change: (m: ImportMapping) => void };

/** What every column means, how sure that is, and a word to settle what is asked. */
export function ImportColumns({ trial, mapping, change }: Props) {
  const open = mapping.columns.filter(asks).length;
  return (
    <Card title="Columns" flush right={open ? <Tag tone="wait" icon="question">{plural(open, "question")}</Tag> : <Tag tone="good" icon="check">all confirmed</Tag>}>
      <ol className="importcolumns">
        {mapping.columns.map((c) => <Column key={c.at} c={c} trial={trial} change={(next) => change(withColumn(mapping, next))} />)}
      </ol>
    </Card>
  );
}

function Column({ c, trial, change }: { c: ImportColumn; trial: ImportTrial; change: (c: ImportColumn) => void }) {
  const named = c.header || `column ${c.at}`;
  const seen = [...new Set(trial.sample.map((r) => r.texts[c.at - 1] ?? "").filter((t) => t.trim()))].slice(0, 3);
  return (
    <li data-column={c.name} data-asks={asks(c) || undefined}>
      <div className="what">
        <div className="row tight between">
          <h3>{named}</h3>
          {c.role === "ignore" ? <Tag tone="off" icon="dash">ignored</Tag> : c.confirmed ? <Tag tone="good" icon="check">confirmed</Tag> : <Tag tone="wait" icon="question">held back</Tag>}
        </div>
        <div className="small muted samples">{seen.length ? seen.map((t) => <span key={t} className="mono">{t.length > 40 ? `${t.slice(0, 40)}…` : t}</span>) : "no values"}</div>
        {c.why && <div className="small muted">{c.why}; {percent(c.confidence)} sure{c.unit_source && c.unit_source !== "none" ? `, unit from ${c.unit_source.replaceAll("_", " ")}` : ""}</div>}
      </div>
      <div className="how">
        <Select size="xs" label="Role" aria-label={`Role of ${named}`} data={roles} value={c.role} allowDeselect={false} comboboxProps={{ withinPortal: true }}
          onChange={(v) => v && change(say(c, { role: v as ImportColumn["role"] }))} />
        <Typed label="Name" of={named} value={c.name} disabled={c.role === "ignore"} say={(name) => change(say(c, { name }))} />
        <Select size="xs" label="Type" aria-label={`Type of ${named}`} data={types} value={c.type} allowDeselect={false} disabled={c.role === "ignore"}
          onChange={(v) => v && change(say(c, { type: v as ImportColumn["type"] }))} />
        <Typed label="Unit (UCUM)" of={named} value={c.unit ?? ""} disabled={!needsUnit(c)} say={(unit) => change(say(c, { unit }))} placeholder={needsUnit(c) ? "1 when none" : ""} />
      </div>
      {asks(c) && <Question c={c} named={named} change={change} />}
    </li>
  );
}

/** A text that counts when it is left or Enter is pressed, not at every key. */
function Typed({ label, of, value, say: tell, disabled, placeholder }: { label: string; of: string; value: string; say: (v: string) => void; disabled?: boolean; placeholder?: string }) {
  const [draft, setDraft] = useState<string>();
  const done = () => {
    const v = draft?.trim();
    if (v !== undefined && v !== value && (v || label !== "Name")) tell(v);
    setDraft(undefined);
  };
  return (
    <TextInput size="xs" label={label} aria-label={`${label} of ${of}`} value={draft ?? value} disabled={disabled} placeholder={placeholder}
      onChange={(e) => setDraft(e.currentTarget.value)} onBlur={done} onKeyDown={(e) => e.key === "Enter" && done()} />
  );
}

function Question({ c, named, change }: { c: ImportColumn; named: string; change: (c: ImportColumn) => void }) {
  const units = needsUnit(c) ? [...new Set([...(c.unit ? [c.unit] : []), ...(c.candidates ?? [])])] : [];
  return (
    <div className="note question" data-tone="wait" role="group" aria-label={`Question about ${named}`}>
      <div>{c.question || `Is it right that this column is ${a(c.role)}?`}</div>
      <div className="row tight">
        {units.map((u, i) => <Button key={u} size="compact-xs" variant={i === 0 ? "filled" : "default"} onClick={() => change(say(c, { unit: u }))}>{i === 0 ? `It is ${u}` : u}{unitLabel(u) && unitLabel(u) !== u ? ` (${unitLabel(u)})` : ""}</Button>)}
        {needsUnit(c) && !units.includes("1") && <Button size="compact-xs" variant="default" onClick={() => change(say(c, { unit: "1" }))}>It has no unit</Button>}
        {!needsUnit(c) && <Button size="compact-xs" onClick={() => change(say(c, { role: c.role }))}>Yes, {a(c.role)}</Button>}
        {c.role !== "attribute" && <Button size="compact-xs" variant="default" onClick={() => change(say(c, { role: "attribute" }))}>Keep it as text</Button>}
        <Button size="compact-xs" variant="default" onClick={() => change(say(c, { role: "ignore" }))}>Ignore it</Button>
      </div>
    </div>
  );
}

/** Rules that leave out columns by their headers and rows by a cell. */
export function ImportRules({ mapping, change }: Omit<Props, "trial">) {
  const [pattern, setPattern] = useState("");
  const [at, setAt] = useState<string | null>(null);
  const [is, setIs] = useState("");
  const fits = matching(mapping, pattern);
  const rules = mapping.ignore_rows ?? [];
  const named = (n: number) => mapping.columns[n - 1]?.header || `column ${n}`;
  const add = () => {
    change({ ...mapping, ignore_rows: [...rules, { column: Number(at), is: texts(is) }] });
    setIs("");
  };
  const ignoreColumns = () => {
    change({ ...mapping, columns: mapping.columns.map((c) => (fits.some((f) => f.at === c.at) ? say(c, { role: "ignore" }) : c)) });
    setPattern("");
  };
  return (
    <Card title="Ignore by rule">
      <div className="stack" style={{ gap: 10 }}>
        {rules.length > 0 && (
          <ul className="files" style={{ paddingLeft: 0 }}>
            {rules.map((r, i) => (
              <li key={`${r.column}-${r.is.join(",")}`}>
                <span>Rows whose <strong>{named(r.column)}</strong> is {r.is.map((t) => `“${t}”`).join(" or ")}</span>
                <Button size="compact-xs" variant="default" onClick={() => change({ ...mapping, ignore_rows: rules.filter((_, k) => k !== i) })} aria-label={`Remove the rule about ${named(r.column)}`}>Remove</Button>
              </li>
            ))}
          </ul>
        )}
        <form className="rule" onSubmit={(e) => { e.preventDefault(); if (at && texts(is).length) add(); }}>
          <Select size="xs" label="Rows by their" placeholder="column" data={mapping.columns.map((c) => ({ value: String(c.at), label: c.header || `column ${c.at}` }))} value={at} onChange={setAt} />
          <TextInput size="xs" label="that is" placeholder="calibration, test" value={is} onChange={(e) => setIs(e.currentTarget.value)} />
          <Button size="xs" type="submit" variant="default" disabled={!at || !texts(is).length}>Ignore such rows</Button>
        </form>
        <form className="rule" onSubmit={(e) => { e.preventDefault(); if (fits.length) ignoreColumns(); }}>
          <TextInput size="xs" label="Columns that are called" placeholder="comment*" value={pattern} onChange={(e) => setPattern(e.currentTarget.value)} />
          <Button size="xs" type="submit" variant="default" leftSection={<Icon name="dash" size={14} />} disabled={!fits.length}>{fits.length ? `Ignore ${plural(fits.length, "column")}` : "Ignore columns"}</Button>
        </form>
      </div>
    </Card>
  );
}
