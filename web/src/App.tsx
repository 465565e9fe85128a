import { ActionIcon, Button, useMantineColorScheme } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { useDevices, useQuestions, useVersion } from "./api/queries";
import { useLink } from "./hooks/useLab";
import { useNow } from "./hooks/useNow";
import { CampaignList } from "./pages/CampaignList";
import { CampaignPage } from "./pages/CampaignPage";
import { Composer } from "./pages/Composer";
import { DataPage } from "./pages/DataPage";
import { DevicesPage } from "./pages/DevicesPage";
import { ExperimentPage } from "./pages/ExperimentPage";
import { ImportPage } from "./pages/ImportPage";
import { ImportedPage } from "./pages/ImportedPage";
import { NotFound } from "./pages/NotFound";
import { ReviewPage } from "./pages/ReviewPage";
import { Boundary } from "./ui/Boundary";
import { Icon, type IconName } from "./ui/Icon";
import { Keys } from "./ui/Keys";
import { StopBanner, StopLab } from "./ui/StopLab";
import { duration } from "./util/format";

const schemes = { auto: { next: "light", icon: "auto", says: "as the system" }, light: { next: "dark", icon: "sun", says: "light" }, dark: { next: "auto", icon: "moon", says: "dark" } } as const;

export function App() {
  const [stopAsked, setStopAsked] = useState<number>();
  const [keysOpen, setKeysOpen] = useState(false);
  return (
    <div className="frame">
      <a className="skip" href="#main">Skip to content</a>
      <header className="top">
        <Link href="/" className="brand" aria-label="Athanor, to the campaigns"><img src="/icon.svg" alt="" width={24} height={24} />Athanor</Link>
        <span className="grow" />
        <Fleet />
        <LiveBadge />
        <Scheme />
        <ActionIcon className="wide" variant="subtle" color="gray" size={30} aria-label="Keys" title="Keys (?)" onClick={() => setKeysOpen(true)}><Icon name="keyboard" size={18} /></ActionIcon>
        <StopLab asked={stopAsked} setAsked={setStopAsked} />
      </header>
      <Gone />
      <StopBanner asked={stopAsked} setAsked={setStopAsked} />
      <Rail />
      <Main />
      <Keys open={keysOpen} setOpen={setKeysOpen} />
    </div>
  );
}

function Main() {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    main.current?.focus({ preventScroll: true }); // so that a screen reader follows
    window.scrollTo(0, 0);
  }, [location]);
  useEffect(() => {
    const h1 = main.current?.querySelector("h1")?.textContent;
    document.title = h1 ? `${h1} · Athanor` : "Athanor";
  });
  return (
    <main className="main" id="main" ref={main} tabIndex={-1} style={{ outline: "none" }}>
      <Boundary key={location}>
        <Switch>
          <Route path="/"><CampaignList /></Route>
          <Route path="/new"><Composer /></Route>
          <Route path="/review"><ReviewPage /></Route>
          <Route path="/devices"><DevicesPage /></Route>
          <Route path="/data"><DataPage /></Route>
          <Route path="/data/import"><ImportPage /></Route>
          <Route path="/data/imports/:id">{(p) => (/^[0-9a-f]{64}$/.test(p.id) ? <ImportedPage key={p.id} id={p.id} /> : <NotFound />)}</Route>
          <Route path="/campaigns/:id">{(p) => <CampaignPage key={p.id} id={p.id} />}</Route>
          <Route path="/campaigns/:id/experiments/:number">{(p) => (/^\d+$/.test(p.number) ? <ExperimentPage key={`${p.id}/${p.number}`} id={p.id} number={Number(p.number)} /> : <NotFound />)}</Route>
          <Route><NotFound /></Route>
        </Switch>
      </Boundary>
    </main>
  );
}

function Rail() {
  const [location] = useLocation();
  const questions = useQuestions();
  const version = useVersion();
  const item = (to: string, icon: IconName, text: string, current: boolean, count?: number) => (
    <Link href={to} aria-current={current ? "page" : undefined}>
      <Icon name={icon} size={17} />
      {text}
      {count ? <span className="pill count" data-tone="wait">{count}</span> : null}
    </Link>
  );
  return (
    <nav className="rail" aria-label="Main">
      {item("/", "campaigns", "Campaigns", location === "/" || location.startsWith("/campaigns") || location === "/new")}
      {item("/review", "review", "Needs you", location === "/review", questions.data?.length)}
      {item("/devices", "devices", "Devices", location === "/devices")}
      {item("/data", "data", "Data", location.startsWith("/data"))}
      <span className="grow" />
      <span className="foot muted small" style={{ padding: "0 10px" }}>{version.data ? `Athanor ${version.data}` : ""}</span>
    </nav>
  );
}

function Fleet() {
  const devices = useDevices();
  if (!devices.data?.length) return null;
  const online = devices.data.filter((d) => d.conn === "online").length;
  const trouble = devices.data.some((d) => d.op === "fault" || d.op === "stopped");
  return (
    <Link href="/devices" className="live wide" style={{ textDecoration: "none" }}>
      <span className="dot" data-tone={trouble || online < devices.data.length ? "wait" : "good"} />
      {online}/{devices.data.length} devices
    </Link>
  );
}

function LiveBadge() {
  const { live } = useLink();
  return (
    <span className="live" data-testid="live" role="status">
      <span className={live ? "dot" : "dot pulse"} data-tone={live ? "good" : "wait"} />
      {live ? "live" : "connecting"}
    </span>
  );
}

/** What you see may be old: since when, and a way to ask again. */
function Gone() {
  const { live, lostSince, retry } = useLink();
  const now = useNow(live ? undefined : 1000);
  const age = lostSince === undefined ? 0 : Math.max(0, now.getTime() - lostSince);
  if (live || lostSince === undefined || age < 2000) return null;
  return (
    <div className="banner" data-tone="wait" role="alert">
      <Icon name="warn" />
      <span className="grow">The server has not answered for {duration(Math.floor(age / 1000) * 1000)}. What you see may be old. The laboratory goes on by itself.</span>
      <Button size="compact-sm" variant="default" onClick={retry}>Try now</Button>
    </div>
  );
}

function Scheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const s = schemes[colorScheme];
  const label = `Colours: ${s.says}. Switch to ${schemes[s.next].says}`;
  return <ActionIcon variant="subtle" color="gray" size={30} aria-label={label} title={label} onClick={() => setColorScheme(s.next)}><Icon name={s.icon} size={18} /></ActionIcon>;
}
