import { renderToStaticMarkup } from "react-dom/server";
import { Router } from "wouter";
import { describe, expect, it } from "vitest";
import type { Diagnostics, Document, Proposal, ReadPaper } from "../api/client";
import { Influences, Leans, unaidedSays } from "./Moved";
import { Advice, TrustTag } from "./Trust";

const d: Diagnostics = { trust: "poor", warnings: ["few outcomes"], models: [], stop: { advised: true, why: "Enough.", chance: 0.004, least: 0.5, regret: 1.25, unit: "%" } };

describe("what a plan says of itself", () => {
  it("names trust, warnings and the advice to stop, with its figures", () => {
    expect(renderToStaticMarkup(<TrustTag d={d} />)).toContain("poor");
    expect(renderToStaticMarkup(<TrustTag d={undefined} />)).toContain("no model yet");
    const html = renderToStaticMarkup(<Advice d={d} />);
    for (const want of ["few outcomes", "stop here", "Enough.", "&lt;1\u202f%", "1.25\u202f%"]) expect(html).toContain(want);
  });
  it("says nothing when there is nothing to say", () => {
    expect(renderToStaticMarkup(<Advice d={{ trust: "good", models: [], stop: { ...d.stop!, advised: false } }} />)).toBe("");
  });
});

describe("what moved a proposal", () => {
  const doc = { objectives: [{ name: "yield", direction: "maximize", unit: "%" }] } as Document;
  const proposal = { influences: [{ paper: "p", gain: 0.4, shift: 3.5, share: 0.62 }], unaided: 7 } as Proposal;
  const paper = { id: "p", title: "<script>alert(1)</script> & more" } as ReadPaper;
  it("tells shares and shifts, and markup in a title stays text", () => {
    const html = renderToStaticMarkup(<Router ssrPath="/"><Influences id="c" doc={doc} proposal={proposal} papers={[paper]} /></Router>);
    for (const want of ["62\u202f%", "+3.5 %", "7th", "&lt;script&gt;"]) expect(html).toContain(want);
    expect(html).not.toContain("<script");
  });
  it("says what would have been without reading, where that is known", () => {
    expect(unaidedSays(1)).toMatch(/first choice/);
    expect(unaidedSays(undefined)).toBe("");
    expect(unaidedSays(0)).toBe("");
  });
  it("names the models that a prediction leans on, and how far", () => {
    const models = [{ objective: "yield", points: 9, members: [], explained: 0.5, covered_50: 0.5, covered_80: 0.8, covered_95: 0.95, noise: 1, importance: [], trends: [{ source: "hf", version: "2", used: true, slope: 0.8, gain: 0.21 }] }];
    const html = renderToStaticMarkup(<dl><Leans predictions={[{ objective: "yield", mean: 1, sigma: 1, low: 0, high: 2, unit: "%", models: ["hf@2"] }]} plan={{ id: "p", campaign_id: "c", round: 1, planner: "x", brief_sha256: "", proposals: [], diagnostics: { trust: "good", models } }} /></dl>);
    expect(html).toContain("hf@2");
    expect(html).toContain("slope 0.8, +0.21 nats");
  });
});
