import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Document, Row } from "../api/client";
import { duration, half, num, unitLabel, value } from "../util/format";
import { observed, predicted } from "../util/trace";
import { ExperimentTag } from "./basics";

/** Room for a column's name, in px; what is in it is shorter. */
const room = (label: string, least: number) => `minmax(${Math.max(least, label.length * 7 + 34)}px, 1fr)`;

type Column = { key: string; label: string; unit?: string; width: string; numeric: boolean; sort: (r: Row) => number | string; text: (r: Row) => string };

function columnsOf(doc: Document): Column[] {
  const settings = doc.space.parameters.map((p): Column => {
    const get = (r: Row) => r.settings.find((s) => s.name === p.name)?.value;
    const numeric = p.type !== "categorical" && p.type !== "composition";
    return {
      key: `s:${p.name}`,
      label: p.name,
      unit: unitLabel(p.unit),
      width: p.type === "composition" ? "minmax(180px, 2fr)" : room(p.name, 88),
      numeric,
      sort: (r) => {
        const v = get(r);
        return typeof v === "number" || typeof v === "string" ? v : JSON.stringify(v ?? "");
      },
      text: (r) => value(get(r), p.parts),
    };
  });
  const objectives = doc.objectives.flatMap((o): Column[] => [
    {
      key: `p:${o.name}`,
      label: `${o.name}, predicted`,
      unit: unitLabel(o.unit),
      width: room(`${o.name}, predicted`, 120),
      numeric: true,
      sort: (r) => predicted(r, o.name)?.mean ?? NaN,
      text: (r) => {
        const p = predicted(r, o.name);
        return p ? `${num(p.mean)} ± ${num(half(p.low, p.high), 2)}` : "–";
      },
    },
    { key: `o:${o.name}`, label: o.name, unit: unitLabel(o.unit), width: room(o.name, 88), numeric: true, sort: (r) => observed(r, o.name) ?? NaN, text: (r) => num(observed(r, o.name)) },
  ]);
  const took: Column = {
    key: "took",
    label: "took",
    width: "100px",
    numeric: true,
    sort: (r) => (r.started_at && r.finished_at ? Date.parse(r.finished_at) - Date.parse(r.started_at) : NaN),
    text: (r) => (r.started_at && r.finished_at ? duration(Date.parse(r.finished_at) - Date.parse(r.started_at)) : "–"),
  };
  return [...settings, ...objectives, took];
}

/** Ascending, with what has no value last whichever way the table is turned. */
export function sortRows(rows: Row[], by: (r: Row) => number | string, descending: boolean): Row[] {
  const absent = (v: number | string) => typeof v === "number" && Number.isNaN(v);
  return [...rows].sort((a, b) => {
    const x = by(a);
    const y = by(b);
    if (absent(x) || absent(y)) return Number(absent(x)) - Number(absent(y)) || a.number - b.number;
    const order = x < y ? -1 : x > y ? 1 : 0;
    return (descending ? -order : order) || a.number - b.number;
  });
}

/** All experiments of a campaign; only the rows in sight are in the page. */
export function ExperimentTable({ id, doc, rows }: { id: string; doc: Document; rows: Row[] }) {
  const [, go] = useLocation();
  const scroller = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState({ key: "number", descending: true });
  const columns = useMemo(() => columnsOf(doc), [doc]);
  const sorted = useMemo(() => {
    const by = sort.key === "number" ? (r: Row) => r.number : sort.key === "state" ? (r: Row) => r.state : columns.find((c) => c.key === sort.key)?.sort;
    return by ? sortRows(rows, by, sort.descending) : rows;
  }, [rows, sort, columns]);
  const v = useVirtualizer({ count: sorted.length, getScrollElement: () => scroller.current, estimateSize: () => 34, overscan: 10 });
  const template = ["64px", "118px", ...columns.map((c) => c.width)].join(" ");
  const minWidth = 64 + 118 + columns.reduce((w, c) => w + Number(/\d+/.exec(c.width)?.[0] ?? 96), 0);
  const head = (key: string, label: string, unit?: string, numeric?: boolean) => (
    <div key={key} role="columnheader" className={numeric ? "cell n" : "cell"} aria-sort={sort.key === key ? (sort.descending ? "descending" : "ascending") : "none"}>
      <button type="button" title={unit ? `${label} (${unit})` : label} onClick={() => setSort((s) => ({ key, descending: s.key === key ? !s.descending : numeric !== false }))}>
        <span>
          {label}
          <span aria-hidden="true">{sort.key === key ? (sort.descending ? " ↓" : " ↑") : ""}</span>
          {unit && <small>{` (${unit})`}</small>}
        </span>
      </button>
    </div>
  );
  return (
    <div className="vt" style={{ height: `min(${48 + 34 * sorted.length}px, 520px, 62vh)`, minHeight: 120 }} ref={scroller} tabIndex={0} role="group" aria-label="Experiments, scrollable">
      <div role="table" aria-label="Experiments" aria-rowcount={sorted.length + 1} style={{ minWidth }}>
        <div role="rowgroup" className="vhead">
          <div role="row" aria-rowindex={1} style={{ gridTemplateColumns: template, minHeight: 44 }}>
            {head("number", "#", undefined, true)}
            {head("state", "state", undefined, false)}
            {columns.map((c) => head(c.key, c.label, c.unit, c.numeric))}
          </div>
        </div>
        <div role="rowgroup" style={{ height: v.getTotalSize(), position: "relative" }}>
          {v.getVirtualItems().map((item) => {
            const r = sorted[item.index];
            if (!r) return null;
            const to = `/campaigns/${id}/experiments/${r.number}`;
            return (
              <div key={r.number} role="row" aria-rowindex={item.index + 2} className="vrow" title={r.reason} style={{ gridTemplateColumns: template, height: item.size, transform: `translateY(${item.start}px)`, cursor: "pointer" }} onClick={() => go(to)}>
                <div role="cell" className="cell n"><Link href={to} aria-label={`Experiment ${r.number}`} onClick={(e) => e.stopPropagation()}>{r.number}</Link></div>
                <div role="cell" className="cell"><ExperimentTag state={r.state} /></div>
                {columns.map((c) => (
                  <div key={c.key} role="cell" className={c.numeric ? "cell n" : "cell"}>{c.text(r)}</div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
