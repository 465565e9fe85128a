import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { answer, api, type Device } from "../api/client";
import { useDevices } from "../api/queries";
import { ActDialog } from "./ActDialog";
import { Icon } from "./Icon";

const confirmed = (d: Device) => d.op === "stopped" || d.op === "safe" || d.op === "fault";
const patience = 5000;

/** Stops every device at one press. It is a request in software and says so. */
export function StopLab({ asked, setAsked }: { asked: number | undefined; setAsked: (at: number | undefined) => void }) {
  const stop = () => {
    setAsked(Date.now());
    answer(api.POST("/lab/stop", { body: {} })).catch((e: unknown) => {
      setAsked(-1);
      console.error(e);
    });
  };
  return (
    <Button color="red.9" size="xs" leftSection={<Icon name="stop" size={14} />} onClick={stop} title="Software stop of all devices; not a safety-rated emergency stop" aria-label="Stop lab: software stop of all devices">
      {asked !== undefined && asked > 0 ? "Stop again" : "Stop lab"}
    </Button>
  );
}

/** What came of a stop: which devices say that they stand, and what to do about the others. */
export function StopBanner({ asked, setAsked }: { asked: number | undefined; setAsked: (at: number | undefined) => void }) {
  const devices = useDevices();
  const [late, setLate] = useState(false);
  const [dialog, setDialog] = useState(false);
  useEffect(() => {
    setLate(false);
    if (asked === undefined || asked < 0) return;
    const t = setTimeout(() => setLate(true), patience);
    return () => clearTimeout(t);
  }, [asked]);
  const online = (devices.data ?? []).filter((d) => d.conn === "online");
  const stopped = online.filter((d) => d.op === "stopped");
  const silent = (devices.data ?? []).filter((d) => !confirmed(d) && (d.conn === "online" || d.active.length > 0));
  if (asked === undefined && !stopped.length) return null;
  return (
    <div className="banner" role="alert">
      <Icon name="stop" />
      <span className="grow">
        {asked === -1 && "The stop could not be sent: use the red buttons on the devices. "}
        {asked !== undefined && asked > 0 && `Software stop: ${stopped.length} of ${online.length} devices have confirmed. `}
        {asked === undefined && `${stopped.map((d) => d.id).join(", ")} stopped. `}
        {asked !== undefined && late && silent.length > 0 && `Unconfirmed: ${silent.map((d) => d.id).join(", ")}. Use the red button on the device.`}
      </span>
      <Button size="compact-sm" variant="default" onClick={() => setDialog(true)}>Reset all…</Button>
      <ActDialog open={dialog} onClose={() => setDialog(false)} title="Let the devices work again" confirm="Reset all devices" text="Make sure that nobody is within reach of a device that moves."
        act={(body) => answer(api.POST("/lab/reset", { body })).then(() => setAsked(undefined))} />
    </div>
  );
}
