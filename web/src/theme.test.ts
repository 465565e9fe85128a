import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// Colours of text and of what is behind it, as the style sheet has them.
const css = readFileSync(new URL("./app.css", import.meta.url), "utf8");

function variables(block: RegExp): Record<string, string> {
  const body = block.exec(css)?.[1] ?? "";
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]]));
}

/** Contrast ratio of WCAG 2.2. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [r = 0, g = 0, bl = 0] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

describe.each([
  ["light", variables(/^:root \{([^}]*)\}/), "#faf9f7"],
  ["dark", variables(/^:root\[data-mantine-color-scheme="dark"\] \{([^}]*)\}/m), "#14161a"],
])("%s", (_, v, body) => {
  const pairs = ["run", "wait", "good", "bad", "off"].map((t) => [t, `${t}-bg`] as const);
  it.each([...pairs, ["ink", "surface"], ["muted", "surface"], ["muted", "sunken"], ["accent", "surface"], ["ink", "sunken"], ["good", "surface"], ["bad", "surface"], ["run", "surface"]] as const)("%s on %s can be read", (text, back) => {
    const t = v[text];
    const b = v[back];
    if (!t || !b) throw new Error(`no colour ${text} or ${back}`);
    expect(contrast(t, b)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(v.muted ?? "", body)).toBeGreaterThanOrEqual(4.5);
  });
});
