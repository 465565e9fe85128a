import { useState } from "react";
import type { Diagnostics, ModelFit } from "../api/client";
import { num, percent, quantity, signed, words } from "../util/format";
import { Bar, Tag, type Tone } from "./basics";
import type { IconName } from "./Icon";

const trusts: Record<string, { tone: Tone; icon: IconName; says: string }> = {
  good: { tone: "good", icon: "check", says: "It predicts what it was not shown, about as well as it says." },
  fair: { tone: "wait", icon: "question", says: "It predicts something, or its intervals are off: read them with care." },
  poor: { tone: "bad", icon: "warn", says: "It hardly predicts what it was not shown: proposals are exploration." },
};

const unknown = { tone: "off" as const, icon: "dash" as const, says: "" };

/** How far to lean on the model behind a plan. */
export function TrustTag({ d }: { d: Diagnostics | undefined }) {
  if (!d) return <Tag tone="off" icon="dash">no model yet</Tag>;
  const t = trusts[d.trust] ?? unknown;
  return <Tag tone={t.tone} icon={t.icon}>model: {words(d.trust)}</Tag>;
}

/** What a plan's model warns of, and the advice to stop where there is one. */
export function Advice({ d, level = 3 }: { d: Diagnostics | undefined; level?: 2 | 3 }) {
  const H = level === 2 ? "h2" : "h3";
  return (
    <>
      {d?.stop?.advised && (
        <div className="note" data-tone="good" role="note">
          <H>Advice: stop here</H>
          <p>{d.stop.why || "Little is left to gain."} The best candidate beats the best so far by more than {quantity(d.stop.least, d.stop.unit)} with a chance of {percent(d.stop.chance)}; at most {quantity(d.stop.regret, d.stop.unit)} may be left.</p>
        </div>
      )}
      {!!d?.warnings?.length && (
        <div className="note" data-tone="wait" role="note">
          <H>What its model warns of</H>
          {d.warnings.length === 1 ? <p>{d.warnings[0]}</p> : <ul className="points">{d.warnings.map((w, i) => <li key={i}>{w}</li>)}</ul>}
        </div>
      )}
    </>
  );
}

/** The checks of a plan's model, by objective; shown when they are asked for. */
export function Checks({ d }: { d: Diagnostics }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>How well its model predicts</summary>
      {open && (
        <div className="stack" style={{ gap: 12, padding: "8px 0 2px" }}>
          <span className="small muted">{(trusts[d.trust] ?? unknown).says}</span>
          {d.models.map((m) => <Fit key={m.objective} m={m} />)}
          {d.stop && !d.stop.advised && <span className="small muted">Going on: a chance of {percent(d.stop.chance)} to beat the best so far by more than {quantity(d.stop.least, d.stop.unit)}; up to {quantity(d.stop.regret, d.stop.unit)} may be left.</span>}
        </div>
      )}
    </details>
  );
}

function Fit({ m }: { m: ModelFit }) {
  return (
    <section aria-label={`Model of ${m.objective}`}>
      <h3 style={{ margin: "0 0 4px" }}>{m.objective} <span className="muted small">from {m.points} outcomes</span></h3>
      <dl className="kv small">
        <dt>Explained, left out one by one</dt><dd>{m.explained < 0 ? "less than their mean does" : percent(m.explained)}</dd>
        <dt>Inside its 50 % interval</dt><dd>{percent(m.covered_50)}</dd>
        <dt>Inside its 80 % interval</dt><dd>{percent(m.covered_80)}</dd>
        <dt>Inside its 95 % interval</dt><dd>{percent(m.covered_95)}</dd>
        <dt>Noise of one measurement</dt><dd>{num(m.noise, 3)}</dd>
        {m.members.length > 0 && <><dt>Averaged over</dt><dd>{m.members.map((x) => `${x.name} (${percent(x.weight)})`).join(", ")}</dd></>}
        {m.trends?.map((t) => (
          <div key={t.source} style={{ display: "contents" }}>
            <dt>Source {t.source}{t.version && `@${t.version}`}</dt>
            <dd>{t.used ? `followed with a slope of ${num(t.slope, 2)}` : "not followed"}; predictions {t.gain < 0 ? "worse" : "better"} by {num(Math.abs(t.gain), 2)} nats with the sources</dd>
          </div>
        ))}
      </dl>
      {m.importance.length > 0 && (
        <div className="shares" role="group" aria-label={`What ${m.objective} depends on`}>
          {m.importance.map((x) => (
            <div key={x.parameter}>
              <span className="small">{x.parameter}</span>
              <Bar value={x.share} of={1} label={`Share of ${x.parameter}`} />
              <span className="small muted">{percent(x.share)}</span>
            </div>
          ))}
        </div>
      )}
    </section>
  );
}

/** The trend of a source that a prediction leans on, in words; sources are named name@version. */
export function trendSays(m: ModelFit | undefined, source: string): string {
  const t = m?.trends?.find((x) => source === x.source || source === `${x.source}@${x.version ?? ""}`);
  return t ? `slope ${num(t.slope, 2)}, ${signed(t.gain, 2)} nats` : "";
}
