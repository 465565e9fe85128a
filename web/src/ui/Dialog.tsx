import { Modal } from "@mantine/core";
import type { ReactNode } from "react";

/** A dialog whose head is no second banner of the page. */
export function Dialog({ open, onClose, title, children }: { open: boolean; onClose: () => void; title: string; children: ReactNode }) {
  return (
    <Modal.Root opened={open} onClose={onClose} centered>
      <Modal.Overlay />
      <Modal.Content>
        <div className="row between" style={{ padding: "14px 16px 0", flexWrap: "nowrap" }}>
          <Modal.Title fw={650}>{title}</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </div>
        <Modal.Body pt={10}>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
