import { Button, Menu, Select, SegmentedControl, Tabs } from "@mantine/core";
import { type ReactNode, useMemo, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { ApiError, answer, api, base, type Campaign, type Objective, type Row } from "../api/client";
import { keys, queryClient, useCampaign, useDevices, useExperiments, usePlan, useQuestions, useSource } from "../api/queries";
import { useNow } from "../hooks/useNow";
import { ActDialog } from "../ui/ActDialog";
import { CampaignTag, Card, Crumbs, ErrorNote, Loading, Time } from "../ui/basics";
import { EventLog } from "../ui/EventLog";
import { ExperimentTable } from "../ui/ExperimentTable";
import { Icon } from "../ui/Icon";
import { LazyEditor } from "../ui/LazyEditor";
import { Literature, ScreeningWaits } from "../ui/Literature";
import { Needs } from "../ui/Needs";
import { NowStrip } from "../ui/NowStrip";
import { PlanList } from "../ui/PlanList";
import { Advice } from "../ui/Trust";
import { BestSoFar, Calibration, Pareto } from "../ui/plots";
import { duration, quantity } from "../util/format";
import { remaining } from "../util/trace";
import { NotFound } from "./NotFound";

const tabs = ["overview", "experiments", "plans", "literature", "events", "document"] as const;

const alive = (c: Campaign) => !["completed", "aborted", "failed", "stopping"].includes(c.progress.state);

export function CampaignPage({ id }: { id: string }) {
  const campaign = useCampaign(id);
  if (campaign.isError && campaign.error instanceof ApiError && campaign.error.status === 404) return <NotFound what={campaign.error.message} />;
  if (campaign.isError) return <ErrorNote error={campaign.error} what="The campaign cannot be shown" retry={() => void campaign.refetch()} />;
  if (!campaign.data) return <Loading lines={6} />;
  return <View c={campaign.data} />;
}

function View({ c }: { c: Campaign }) {
  const id = c.id;
  const [params, setParams] = useSearchParams();
  const [, go] = useLocation();
  const reads = !!c.document.literature;
  const tab = params.get("tab") ?? "overview";
  const experiments = useExperiments(id);
  const questions = useQuestions();
  const devices = useDevices();
  const latest = usePlan(id, c.progress.rounds, alive(c));
  const rows = useMemo(() => experiments.data ?? [], [experiments.data]);
  const mine = questions.data?.filter((q) => q.campaign_id === id) ?? [];
  const open = (n: number) => go(`/campaigns/${id}/experiments/${n}`);
  return (
    <div className="stack">
      <Header c={c} rows={rows} />
      <Needs questions={mine} />
      {reads && tab !== "literature" && <ScreeningWaits c={c} />}
      <Tabs value={tabs.find((t) => t === tab && (t !== "literature" || reads)) ?? "overview"} keepMounted={false} onChange={(t) => setParams(t && t !== "overview" ? { tab: t } : {})}>
        <div className="scroll">
          <Tabs.List style={{ flexWrap: "nowrap" }}>
            <Tabs.Tab value="overview">Overview</Tabs.Tab>
            <Tabs.Tab value="experiments">Experiments</Tabs.Tab>
            <Tabs.Tab value="plans">Plans</Tabs.Tab>
            {reads && <Tabs.Tab value="literature">Literature</Tabs.Tab>}
            <Tabs.Tab value="events">Events</Tabs.Tab>
            <Tabs.Tab value="document">Document</Tabs.Tab>
          </Tabs.List>
        </div>
        {experiments.isError && <div style={{ marginTop: 14 }}><ErrorNote error={experiments.error} what="The experiments cannot be read" retry={() => void experiments.refetch()} /></div>}
        <Tabs.Panel value="overview" pt={14}>
          <div className="stack">
            {alive(c) && <Advice d={latest.data?.diagnostics} level={2} />}
            <Plots c={c} rows={rows} open={open} />
            <NowStrip id={id} devices={devices.data ?? []} alive={alive(c)} />
            <Table c={c} rows={rows} />
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="experiments" pt={14}><Table c={c} rows={rows} /></Tabs.Panel>
        <Tabs.Panel value="plans" pt={14}><PlanList id={id} /></Tabs.Panel>
        {reads && <Tabs.Panel value="literature" pt={14}><Literature c={c} /></Tabs.Panel>}
        <Tabs.Panel value="events" pt={14}><EventLog id={id} /></Tabs.Panel>
        <Tabs.Panel value="document" pt={14}><Source id={id} /></Tabs.Panel>
      </Tabs>
    </div>
  );
}

function Header({ c, rows }: { c: Campaign; rows: Row[] }) {
  const p = c.progress;
  const now = useNow(5000);
  const [dialog, setDialog] = useState<"pause" | "resume" | "abort">();
  const close = () => setDialog(undefined);
  const path = { params: { path: { id: c.id } } };
  const done = (progress: typeof p) => queryClient.setQueryData<Campaign>(keys.campaign(c.id), (old) => old && { ...old, progress });
  const running = rows.filter((r) => r.state === "running" || r.state === "in_doubt").length;
  const left = p.state === "running" ? remaining(rows, c.document.budget.experiments, now.getTime()) : undefined;
  return (
    <header>
      <Crumbs trail={[{ to: "/", text: "Campaigns" }]} />
      <div className="pagehead">
        <div className="grow" style={{ flexBasis: 320 }}>
          <div className="row"><h1>{c.document.title}</h1><CampaignTag state={p.state} /></div>
          {c.document.description && <div className="muted">{c.document.description}</div>}
          {p.reason && <div className="small">{p.reason}</div>}
        </div>
        <div className="row">
          {p.state === "paused" ? (
            <Button leftSection={<Icon name="play" />} onClick={() => setDialog("resume")}>Resume</Button>
          ) : (
            alive(c) && <Button variant="default" leftSection={<Icon name="pause" />} onClick={() => setDialog("pause")}>Pause</Button>
          )}
          {alive(c) && <Button variant="default" leftSection={<Icon name="stop" />} onClick={() => setDialog("abort")} styles={{ root: { color: "var(--bad)" } }}>Abort</Button>}
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" leftSection={<Icon name="down" />}>Export</Button></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item component="a" href={`${base}/campaigns/${c.id}/export?format=jsonl`} download>JSON Lines: everything</Menu.Item>
              <Menu.Item component="a" href={`${base}/campaigns/${c.id}/export?format=csv`} download>CSV: settings and values</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </div>
      <dl className="tiles">
        <Tile name="Experiments">{p.done} <small>of {c.document.budget.experiments}</small></Tile>
        <Tile name="Running">{running}</Tile>
        <Tile name="Failed">{p.failures}</Tile>
        {c.document.objectives.map((o) => {
          const b = p.best.find((x) => x.objective === o.name);
          return (
            <Tile key={o.name} name={`Best ${o.name} (${o.direction})`}>
              {b ? <>{quantity(b.value, b.unit)} <small><Link href={`/campaigns/${c.id}/experiments/${b.number}`}>#{b.number}</Link></small></> : "–"}
            </Tile>
          );
        })}
        <Tile name="Rounds">{p.rounds}</Tile>
        <Tile name={left === undefined ? "Submitted" : "Left, about"}>{left === undefined ? <span style={{ fontSize: 15 }}><Time at={c.submitted_at} /></span> : duration(left * 1000)}</Tile>
      </dl>
      <ActDialog open={dialog === "pause"} onClose={close} title="Pause this campaign" confirm="Pause" text="Experiments that run are ended in order; none is begun until you resume."
        act={(body) => answer(api.POST("/campaigns/{id}/pause", { ...path, body })).then(done)} />
      <ActDialog open={dialog === "resume"} onClose={close} title="Resume this campaign" confirm="Resume" text="New experiments begin as soon as devices are free."
        act={(body) => answer(api.POST("/campaigns/{id}/resume", { ...path, body })).then(done)} />
      <ActDialog open={dialog === "abort"} onClose={close} title="Abort this campaign" confirm="Abort for good" danger text="Running experiments are cancelled and the campaign ends for good. What was learned stays in the dataset."
        act={(body) => answer(api.POST("/campaigns/{id}/abort", { ...path, body })).then(done)} />
    </header>
  );
}

function Tile({ name, children }: { name: string; children: ReactNode }) {
  return <div className="tile"><dt>{name}</dt><dd>{children}</dd></div>;
}

function Plots({ c, rows, open }: { c: Campaign; rows: Row[]; open: (n: number) => void }) {
  const objectives = c.document.objectives;
  const [name, setName] = useState(objectives[0]?.name ?? "");
  const o: Objective | undefined = objectives.find((x) => x.name === name) ?? objectives[0];
  const [a, b] = objectives;
  if (!o) return null;
  const choose = objectives.length < 2 ? null : objectives.length <= 3 ? (
    <SegmentedControl size="xs" value={o.name} onChange={setName} data={objectives.map((x) => x.name)} aria-label="Objective" />
  ) : (
    <Select size="xs" value={o.name} onChange={(v) => setName(v ?? o.name)} data={objectives.map((x) => x.name)} allowDeselect={false} aria-label="Objective" />
  );
  return (
    <>
      <div className="cols32">
        <Card title={`Best so far: ${o.name}`} right={choose}><BestSoFar key={o.name} rows={rows} objective={o} fidelity={c.document.plan.fidelity} onOpen={open} /></Card>
        <Card title="Predicted and measured"><Calibration key={o.name} rows={rows} objective={o} onOpen={open} /></Card>
      </div>
      {a && b && objectives.length === 2 && <Card title={`Trade-off: ${a.name} and ${b.name}`}><Pareto rows={rows} a={a} b={b} fidelity={c.document.plan.fidelity} onOpen={open} /></Card>}
    </>
  );
}

function Table({ c, rows }: { c: Campaign; rows: Row[] }) {
  const [show, setShow] = useState("all");
  const shown = useMemo(() => (show === "all" ? rows : rows.filter((r) => (show === "running" ? ["planned", "running", "in_doubt"].includes(r.state) : r.state === show))), [rows, show]);
  return (
    <Card title={`Experiments (${shown.length})`} flush label="Experiments" right={
      <SegmentedControl size="xs" value={show} onChange={setShow} data={[{ value: "all", label: "All" }, { value: "running", label: "Under way" }, { value: "succeeded", label: "Succeeded" }, { value: "failed", label: "Failed" }]} aria-label="Which experiments" />
    }>
      {shown.length ? <ExperimentTable id={c.id} doc={c.document} rows={shown} /> : <p className="muted" style={{ padding: "0 14px 14px", margin: 0 }}>{rows.length ? "None in this state." : "None yet: the first plan is being made."}</p>}
    </Card>
  );
}

function Source({ id }: { id: string }) {
  const source = useSource(id);
  if (source.isError) return <ErrorNote error={source.error} what="The document cannot be read" retry={() => void source.refetch()} />;
  if (source.data === undefined) return <Loading />;
  return (
    <div className="stack">
      <div className="row between">
        <span className="muted small">As its author wrote it. It never changes.</span>
        <Button component={Link} href={`/new?from=${id}`} variant="default" size="xs" leftSection={<Icon name="copy" />}>Begin a new campaign from it</Button>
      </div>
      <div className="editor spec"><LazyEditor text={source.data} readOnly label="Campaign document" /></div>
    </div>
  );
}
