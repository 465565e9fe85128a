import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { Router } from "wouter";
import { describe, expect, it } from "vitest";
import { NowStrip } from "./NowStrip";

const told = Array.from({ length: 7 }, (_, i) => ({ campaign_id: "cmp_1", experiment_id: `exp_${i}`, number: i + 1, step: "heat", since: "2026-11-30T12:00:00Z", why: `waits for heater-${i}` }));

/** The card of a campaign of which the page has heard what its steps wait for. */
function card(alive: boolean) {
  const client = new QueryClient();
  client.setQueryData(["waits", "cmp_1"], told);
  return renderToStaticMarkup(<Router ssrPath="/"><QueryClientProvider client={client}><NowStrip id="cmp_1" devices={[]} alive={alive} /></QueryClientProvider></Router>);
}

describe("what steps wait for", () => {
  it("is told of a campaign that goes on, the longest first and no more than fit", () => {
    const html = card(true);
    expect(html).toContain("waits for heater-4");
    expect(html).not.toContain("waits for heater-5");
    expect(html).toContain("2 other steps");
  });

  it("is not told of one that has ended, whatever was heard last", () => {
    expect(card(false)).not.toContain("waits for heater");
  });
});
