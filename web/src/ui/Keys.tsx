import { Switch } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useRef } from "react";
import { useLocation } from "wouter";
import { useStored } from "../hooks/useStored";
import { Dialog } from "./Dialog";

const sheet: [string, string][] = [
  ["g c", "Campaigns"],
  ["g r", "Needs you"],
  ["g d", "Devices"],
  ["g s", "Data (snapshots)"],
  ["n", "New campaign"],
  ["/", "Search campaigns"],
  ["?", "This sheet"],
];

/** Single keys that go places, when no field has the focus. They can be switched off. */
export function Keys({ open, setOpen }: { open: boolean; setOpen: (o: boolean) => void }) {
  const [, go] = useLocation();
  const [stored, store] = useStored("keys", "on");
  const prefix = useRef(0);
  const on = stored === "on";
  const single = (f: () => void) => () => {
    if (on) f();
  };
  const afterG = (to: string) => single(() => {
    if (Date.now() - prefix.current < 1200) go(to);
    prefix.current = 0;
  });
  useHotkeys([
    ["g", single(() => { prefix.current = Date.now(); })],
    ["c", afterG("/")],
    ["r", afterG("/review")],
    ["d", afterG("/devices")],
    ["s", afterG("/data")],
    ["n", single(() => go("/new"))],
    ["/", single(() => { go("/"); setTimeout(() => window.dispatchEvent(new Event("athanor:search")), 50); })],
    ["?", single(() => setOpen(true))],
    ["shift+?", single(() => setOpen(true))],
  ]);
  return (
    <Dialog open={open} onClose={() => setOpen(false)} title="Keys">
      <dl className="kv">{sheet.map(([k, what]) => <div key={k} style={{ display: "contents" }}><dt className="mono">{k}</dt><dd>{what}</dd></div>)}</dl>
      <Switch mt="md" label="Single keys go places" checked={on} onChange={(e) => store(e.currentTarget.checked ? "on" : "off")} />
    </Dialog>
  );
}
