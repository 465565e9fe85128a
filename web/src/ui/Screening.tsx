import { Button, Kbd, TextInput } from "@mantine/core";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { answer, api, type Label, type Reading, type ReadPaper } from "../api/client";
import { keys, queryClient } from "../api/queries";
import { useStored } from "../hooks/useStored";
import { screeningKey, toJudge } from "../util/reading";
import { ActDialog } from "./ActDialog";
import { Bar, ErrorNote } from "./basics";
import { Paper } from "./Papers";

/** One paper after the other, judged by a key or a button. What was said last can be taken back. */
export function Screening({ id, r }: { id: string; r: Reading }) {
  const [said, setSaid] = useState<ReadonlyMap<string, Label>>(new Map());
  const [past, setPast] = useState<ReadPaper[]>([]);
  const [error, setError] = useState<unknown>();
  const [ending, setEnding] = useState(false);
  const [by, setBy] = useStored("name", "");
  const [single] = useStored("keys", "on");
  const box = useRef<HTMLElement>(null);
  const paper = toJudge(r.papers, said);
  const last = past.at(-1);

  const send = async (p: ReadPaper, label: Label) => {
    setError(undefined);
    setSaid((m) => new Map(m).set(p.id, label));
    box.current?.focus(); // the next paper is read out, and keys go on
    try {
      await answer(api.POST("/campaigns/{id}/literature/judgements", { params: { path: { id } }, body: { paper: p.id, label, by: by.trim() || undefined } }));
    } catch (e) {
      setError(e);
      setSaid((m) => new Map([...m].filter(([k]) => k !== p.id)));
      setPast((all) => all.filter((x) => x.id !== p.id));
    }
    void queryClient.invalidateQueries({ queryKey: keys.reading(id) });
  };
  const judge = (label: Label) => {
    if (!paper) return;
    setPast((all) => [...all, paper]);
    void send(paper, label);
  };
  const undo = () => {
    if (!last) return;
    setPast((all) => all.slice(0, -1));
    void send(last, "unread");
  };

  const pressed = useEffectEvent((e: KeyboardEvent) => {
    const does = screeningKey(e, single === "on" || !!box.current?.contains(document.activeElement));
    if (!does) return;
    e.preventDefault();
    e.stopImmediatePropagation(); // n goes to a new campaign elsewhere
    if (does === "undo") undo();
    else judge(does);
  });
  useEffect(() => {
    const listen = (e: KeyboardEvent) => pressed(e);
    window.addEventListener("keydown", listen, { capture: true });
    return () => window.removeEventListener("keydown", listen, { capture: true });
  }, []);

  return (
    <section className="card" aria-label="Papers to judge">
      <header>
        <h2>Does this paper bear on the campaign?</h2>
        <span className="small muted">{r.judged} of {r.wanted} judged</span>
      </header>
      <div className="body stack" style={{ gap: 12 }}>
        <Bar value={Math.min(r.judged, r.wanted)} of={r.wanted} tone="good" label="Papers judged" />
        <article ref={box} tabIndex={0} aria-label="Paper to judge" className="judging" aria-live="polite" aria-keyshortcuts="y n u z" data-testid="judging">
          {paper ? <Paper p={paper} abstract /> : <p className="muted" style={{ margin: 0 }}>No paper is left to judge. The campaign plans when enough are judged, or when you say that it is enough.</p>}
        </article>
        <div className="row">
          <Button disabled={!paper} onClick={() => judge("relevant")} rightSection={<Kbd size="xs">y</Kbd>}>Relevant</Button>
          <Button variant="default" disabled={!paper} onClick={() => judge("irrelevant")} rightSection={<Kbd size="xs">n</Kbd>}>Irrelevant</Button>
          <Button variant="default" disabled={!paper} onClick={() => judge("unsure")} rightSection={<Kbd size="xs">u</Kbd>}>Unsure</Button>
          <Button variant="subtle" color="gray" disabled={!last} onClick={undo} rightSection={<Kbd size="xs">z</Kbd>}>Take back</Button>
        </div>
        {last && <span className="small muted" role="status">Said last: {said.get(last.id)}, of “{last.title}”.</span>}
        {error !== undefined && <ErrorNote error={error} what="That was not taken" />}
        <div className="row between" style={{ alignItems: "flex-end" }}>
          <TextInput size="xs" label="Your name, beside what you say" value={by} onChange={(e) => setBy(e.currentTarget.value)} maxLength={200} autoComplete="name" />
          <Button variant="default" size="xs" onClick={() => setEnding(true)}>Enough judged</Button>
        </div>
      </div>
      <ActDialog open={ending} onClose={() => setEnding(false)} title="End the screening" confirm="Enough" text="The campaign reads what is kept now and makes its first plan. After that no paper can be judged for it."
        act={(body) => answer(api.POST("/campaigns/{id}/literature/enough", { params: { path: { id } }, body })).then(() => queryClient.invalidateQueries({ queryKey: keys.reading(id) }))} />
    </section>
  );
}
