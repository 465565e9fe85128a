import { Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { answer, api, type Question } from "../api/client";
import { keys, queryClient } from "../api/queries";
import { plural, value, unitLabel } from "../util/format";
import { ActDialog } from "./ActDialog";
import { Time } from "./basics";
import { Icon } from "./Icon";

function after() {
  void queryClient.invalidateQueries({ queryKey: keys.questions });
  void queryClient.invalidateQueries({ queryKey: keys.campaigns });
}

/** One thing that waits for a person, with what they can do about it. */
function Ask({ q, named }: { q: Question; named: boolean }) {
  const [dialog, setDialog] = useState<"approve" | "reject" | "resolve" | "again" | "leave">();
  const [outcome, setOutcome] = useState<"done" | "failed">("done");
  const path = { id: q.campaign_id, round: q.plan?.round ?? 0 };
  const close = () => setDialog(undefined);
  const advise = (retry: boolean) => (a: { by: string; reason: string }) =>
    answer(
      api.POST("/campaigns/{id}/experiments/{number}/advise", {
        params: { path: { id: q.campaign_id, number: q.failed?.command.number ?? 0 } },
        body: { ...a, step: q.failed?.command.step ?? "", retry },
      }),
    ).then(after);
  return (
    <div className="ask">
      <div className="grow">
        {named && <Link href={`/campaigns/${q.campaign_id}`}>{q.title}</Link>}
        {named && " · "}
        {q.plan && (
          <>
            <strong>Plan {q.plan.round}</strong> waits for approval: {plural(q.plan.proposals.length, "experiment")} (<Time at={q.since} />)
            <details>
              <summary style={{ color: "inherit" }}>What it proposes</summary>
              {q.plan.diagnostics && <p style={{ margin: "4px 0 0" }}>How far to lean on its model: {q.plan.diagnostics.trust}. {q.plan.diagnostics.warnings?.join(" ")}{q.plan.diagnostics.stop?.advised && ` Advice: stop. ${q.plan.diagnostics.stop.why ?? ""}`}</p>}
              <ul style={{ margin: "4px 0 0", paddingLeft: 18 }}>
                {q.plan.proposals.map((p) => (
                  <li key={p.number}>
                    <strong>#{p.number}</strong> {p.settings.map((s) => `${s.name} ${value(s.value)}${s.unit ? ` ${unitLabel(s.unit)}` : ""}`).join(", ")}. {p.reason}
                  </li>
                ))}
              </ul>
            </details>
          </>
        )}
        {q.doubt && (
          <>
            <strong>
              Was it done? {q.doubt.command.name} on {q.doubt.command.device}
            </strong>
            , <Link href={`/campaigns/${q.campaign_id}/experiments/${q.doubt.command.number}`}>experiment {q.doubt.command.number}</Link>, step {q.doubt.command.step}: {q.doubt.reason} (<Time at={q.since} />)
          </>
        )}
        {q.failed && (
          <>
            <strong>
              Again? {q.failed.command.name} on {q.failed.command.device} failed
            </strong>
            , <Link href={`/campaigns/${q.campaign_id}/experiments/${q.failed.command.number}`}>experiment {q.failed.command.number}</Link>, step {q.failed.command.step}: {q.failed.reason} (<Time at={q.since} />)
          </>
        )}
      </div>
      <div className="row">
        {q.failed && (
          <>
            <Button size="xs" onClick={() => setDialog("again")}>Do it again…</Button>
            <Button size="xs" variant="default" onClick={() => setDialog("leave")}>Leave it failed…</Button>
          </>
        )}
        {q.plan && (
          <>
            <Button size="xs" onClick={() => setDialog("approve")}>Approve…</Button>
            <Button size="xs" variant="default" onClick={() => setDialog("reject")}>Reject…</Button>
          </>
        )}
        {q.doubt && <Button size="xs" onClick={() => setDialog("resolve")}>Resolve…</Button>}
      </div>
      <ActDialog open={dialog === "approve"} onClose={close} title={`Approve plan ${path.round}`} confirm="Approve" text="Its experiments begin as soon as devices are free."
        act={(body) => answer(api.POST("/campaigns/{id}/plans/{round}/approve", { params: { path }, body })).then(after)} />
      <ActDialog open={dialog === "reject"} onClose={close} title={`Reject plan ${path.round}`} confirm="Reject" danger text="None of its experiments is carried out."
        act={(body) => answer(api.POST("/campaigns/{id}/plans/{round}/reject", { params: { path }, body })).then(after)} />
      <ActDialog open={dialog === "again"} onClose={close} title={`Do step ${q.failed?.command.step ?? ""} again`} confirm="Do it again" text="It is sent once more, as a new command. Look at the sample first: what failed may have done a part."
        act={advise(true)} />
      <ActDialog open={dialog === "leave"} onClose={close} title={`Leave step ${q.failed?.command.step ?? ""} failed`} confirm="Leave it failed" danger text="The experiment ends and counts as failed; the campaign goes on."
        act={advise(false)} />
      <ActDialog open={dialog === "resolve"} onClose={close} title="Was it done?" confirm="Record what I saw" required reasonLabel="What did you see?"
        text="Nobody but you can tell. Look at the device and at the sample before you answer; the campaign goes on from what you say."
        act={(a) => answer(api.POST("/commands/{id}/resolve", { params: { path: { id: q.doubt?.command.id ?? "" } }, body: { ...a, outcome } })).then(after)}>
        <SegmentedControl fullWidth value={outcome} onChange={(v) => setOutcome(v === "failed" ? "failed" : "done")} data={[{ value: "done", label: "Done in full" }, { value: "failed", label: "Not done, or not in full" }]} aria-label="What became of it" />
      </ActDialog>
    </div>
  );
}

export function Needs({ questions, named = false }: { questions: Question[]; named?: boolean }) {
  if (!questions.length) return null;
  return (
    <section className="needs" aria-label="Needs you">
      {!named && (
        <div className="row tight" style={{ padding: "9px 14px 0" }}>
          <Icon name="question" /> <h2 style={{ margin: 0 }}>Needs you ({questions.length})</h2>
        </div>
      )}
      {questions.map((q) => (
        <Ask key={q.plan?.id ?? q.doubt?.command.id ?? q.failed?.command.id} q={q} named={named} />
      ))}
    </section>
  );
}
