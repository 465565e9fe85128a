import { Button } from "@mantine/core";
import { Link } from "wouter";

export function NotFound({ what }: { what?: string }) {
  return (
    <section className="card empty">
      <h1 style={{ margin: 0 }}>There is nothing here</h1>
      <p className="muted">{what ?? "No page has this address."}</p>
      <Button component={Link} href="/">To the campaigns</Button>
    </section>
  );
}
