// Chromium of the machine, driven without a download; what it says on its console
// and whom it asks are kept for the tests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const base = (process.env.ATHANOR_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");

export async function openBrowser({ width = 1280, height = 900, scheme = "light" } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "athanor-e2e-"));
  const context = await chromium.launchPersistentContext(dir, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: "reduce", // a page is looked at when it stands still
    acceptDownloads: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const errors = [];
  const outside = [];
  context.on("request", (r) => {
    if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) outside.push(r.url());
  });
  page.on("console", (m) => m.type() === "error" && errors.push(`${m.text()} ${m.location().url ?? ""}`));
  page.on("pageerror", (e) => errors.push(String(e)));
  const close = async () => {
    await context.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { context, page, errors, outside, close };
}
