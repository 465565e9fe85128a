import type { ImportTrial } from "../api/client";
import { fateOf } from "../util/imports";
import { Card, Tag } from "./basics";

/** Rows of the file, each cell with what would become of it. */
export function ImportSample({ trial }: { trial: ImportTrial }) {
  return (
    <Card title="Rows of the file" flush right={<span className="muted small">the first, and the first that are held back</span>}>
      <div className="scroll" tabIndex={0} role="region" aria-label="Cells of the rows">
        <table className="plain compact sample">
          <thead><tr><th scope="col" className="n">row</th><th scope="col">becomes</th>{trial.mapping.columns.map((c) => <th key={c.at} scope="col">{c.header || `column ${c.at}`}</th>)}</tr></thead>
          <tbody>
            {trial.sample.map((r) => {
              const held = r.fates.includes("q");
              const left = r.fates !== "" && [...r.fates].every((f) => f === "i");
              return (
                <tr key={r.row}>
                  <td className="n">{r.row}</td>
                  <td>{held ? <Tag tone="bad" icon="stop">held back</Tag> : left ? <Tag tone="off" icon="dash">ignored</Tag> : <Tag tone="good" icon="check">imported</Tag>}</td>
                  {r.texts.map((t, i) => {
                    const faults = r.faults.filter((f) => f.column === i + 1);
                    const fate = fateOf(r.fates[i]);
                    return (
                      <td key={i} data-fate={faults.length ? "q" : held ? undefined : r.fates[i]} title={faults.map((f) => `${f.why}; want ${f.want}`).join("\n") || fate?.says}>
                        {t === "" ? <span className="muted">·</span> : t.length > 60 ? `${t.slice(0, 60)}…` : t}
                        {faults.length > 0 && <span className="small bad"> {faults[0]?.code.replaceAll("_", " ")}</span>}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
            {!trial.sample.length && <tr><td colSpan={2 + trial.mapping.columns.length} className="muted">The table has no rows of data.</td></tr>}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
