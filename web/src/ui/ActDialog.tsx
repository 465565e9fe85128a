import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { useStored } from "../hooks/useStored";
import { ErrorNote } from "./basics";
import { Dialog } from "./Dialog";

export type Act = { by: string; reason: string };

/** Asks once before something is done: who does it, why, and one button that says what. */
export function ActDialog({ open, onClose, title, text, confirm, danger, required, act, children, reasonLabel }: {
  open: boolean;
  onClose: () => void;
  title: string;
  text: string;
  confirm: string;
  danger?: boolean;
  /** Whether name and reason must be given. */
  required?: boolean;
  act: (a: Act) => Promise<unknown>;
  children?: ReactNode;
  reasonLabel?: string;
}) {
  const [by, setBy] = useStored("name", "");
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const close = () => {
    setError(undefined);
    setReason("");
    onClose();
  };
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await act({ by: by.trim(), reason: reason.trim() });
      close();
    } catch (x) {
      setError(x);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open={open} onClose={close} title={title}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack gap="sm">
          <Text size="sm">{text}</Text>
          {children}
          <TextInput label={reasonLabel ?? "Reason"} description={required ? undefined : "For those who read the log later; may stay empty"} value={reason} onChange={(e) => setReason(e.currentTarget.value)} required={required} data-autofocus maxLength={2000} />
          <TextInput label="Your name" value={by} onChange={(e) => setBy(e.currentTarget.value)} required={required} maxLength={200} autoComplete="name" />
          {error !== undefined && <ErrorNote error={error} what="That was refused" />}
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={close}>
              Leave it
            </Button>
            <Button type="submit" color={danger ? "red.9" : undefined} loading={busy}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
