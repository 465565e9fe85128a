import type { ImportCells, ImportRows } from "../api/client";
import { adds, fates, rowsSay } from "../util/imports";
import { Tag } from "./basics";

/** What became of every row and every cell: the parts, and that they are all of it. */
export function Ledger({ rows, cells, partial, settled = 0 }: { rows: ImportRows; cells: ImportCells; partial?: boolean; settled?: number }) {
  const share = (n: number) => `${cells.all > 0 ? (100 * n) / cells.all : 0}%`;
  return (
    <div className="stack" style={{ gap: 8 }} data-testid="ledger">
      <div className="bar" style={{ height: 10 }} role="img" aria-label={fates.map((f) => `${cells[f.key]} ${f.says}`).join(", ")}>
        {fates.map((f) => <i key={f.key} data-tone={f.tone} style={{ width: share(cells[f.key]), opacity: f.key === "structure" || f.key === "blank" ? 0.45 : 1 }} />)}
      </div>
      <table className="plain compact">
        <thead><tr><th scope="col">What becomes of it</th><th scope="col" className="n">rows</th><th scope="col" className="n">cells</th></tr></thead>
        <tbody>
          {fates.map((f) => {
            const row = f.key === "mapped" ? "imported" : f.key;
            const r = rowsSay(rows).find((x) => x.key === row);
            return (
              <tr key={f.key}>
                <td><span className="row tight"><span className="dot" data-tone={f.tone === "off" ? undefined : f.tone} />{f.says}</span></td>
                <td className="n">{f.key === "attributes" ? "" : r?.n.toLocaleString()}</td>
                <td className="n">{cells[f.key].toLocaleString()}</td>
              </tr>
            );
          })}
          <tr><td><strong>all</strong></td><td className="n"><strong>{rows.all.toLocaleString()}</strong></td><td className="n"><strong>{cells.all.toLocaleString()}</strong></td></tr>
        </tbody>
      </table>
      <div className="row tight small">
        {adds(cells) ? <Tag tone="good" icon="check">every cell has one fate</Tag> : <Tag tone="bad" icon="warn">cells are missing</Tag>}
        {settled > 0 && <span className="muted">with what was corrected since</span>}
        {partial && <span className="muted">of the first {rows.all.toLocaleString()} rows; the file has more</span>}
      </div>
    </div>
  );
}
