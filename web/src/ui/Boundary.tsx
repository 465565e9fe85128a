import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";

/** Keeps a fault of one page from taking the frame, and the stop button, with it. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const error: Error | undefined = this.state.error;
    if (!error) return this.props.children;
    return (
      <div className="note" data-tone="bad" role="alert">
        <h1>This page has a fault</h1>
        <p>The laboratory is not affected. The fault says: {(error as Error).message}</p>
        <Button mt={8} size="xs" variant="default" onClick={() => window.location.reload()}>Load the page anew</Button>
      </div>
    );
  }
}
