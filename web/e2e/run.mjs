// Drives the page as a person would, in the machine's Chromium.
//
//   ATHANOR_URL=http://127.0.0.1:8080 npm run e2e   against a server that runs
//   npm run e2e                                     against one of its own, in memory
//
// It needs a server that offers examples (GET /api/v1/examples), submits the
// first of them, and aborts it in the end. SHOTS=DIR keeps pictures.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";

const own = process.env.ATHANOR_URL ? undefined : await (await import("./server.mjs")).ownServer();
if (own) process.env.ATHANOR_URL = own.url;
const { base, openBrowser } = await import("./browser.mjs");

const shots = process.env.SHOTS;
if (shots) mkdirSync(shots, { recursive: true });
const { page, context, errors, outside, close } = await openBrowser();
page.setDefaultTimeout(20_000);

let passed = 0;
let failed = 0;
async function test(name, f) {
  const t = performance.now();
  try {
    await f();
    passed++;
    console.log(`ok ${passed + failed} ${name} (${Math.round(performance.now() - t)} ms)`);
  } catch (e) {
    failed++;
    console.log(`not ok ${passed + failed} ${name}\n    ${String(e.stack ?? e).split("\n").slice(0, 12).join("\n    ")}`);
    if (shots) await page.screenshot({ path: join(shots, `failed-${passed + failed}.png`) });
  }
}

async function accessible(what, p = page) {
  const r = await new AxeBuilder({ page: p }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  const found = r.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.any[0]?.message ?? n.all[0]?.message ?? ""}`).join(" | ")}`);
  assert.deepEqual(found, [], `axe finds violations on ${what}`);
}

const shot = async (name, p = page) => {
  if (shots) await p.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
};
const live = (p = page) => p.getByTestId("live").getByText("live", { exact: true }).waitFor();
const state = (word) => page.locator("main header .tag").getByText(word, { exact: true }).waitFor();
const done = async () => Number(/\d+/.exec(await page.locator("dl.tiles dd").first().innerText())[0]);
const setText = async (text) => {
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(text);
};
const confirm = async (button, reason) => {
  const dialog = page.getByRole("dialog");
  if (reason) await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByLabel("Your name").fill("e2e");
  await dialog.getByRole("button", { name: button }).click();
  await dialog.waitFor({ state: "hidden" });
};

let campaign = "";

await test("the list shows itself and is live", async () => {
  await page.goto(base);
  await page.getByRole("heading", { name: "Campaigns", level: 1 }).waitFor();
  await live();
  await page.locator("table.records, .empty").first().waitFor();
  await accessible("the list");
  await shot("list");
});

await test("a document with mistakes is refused with places, and a click leads there", async () => {
  await page.getByRole("link", { name: "New campaign" }).first().click();
  await page.locator(".cm-content").waitFor();
  await setText("athanor: campaign/1\ntitle: Broken on purpose\nspace:\n  parameters:\n    - {name: t, type: continuous, min: 9, max: 3, unit: Cel}\nbudget: {experiments: 0}\n");
  const finding = page.locator(".findings button", { hasText: "space.parameters[0]" }).first();
  await finding.waitFor();
  assert(await page.getByTestId("submit").isDisabled(), "submit is enabled in spite of mistakes");
  await finding.click();
  await page.locator(".cm-activeLine", { hasText: "max: 3" }).waitFor();
  await accessible("the composer with mistakes");
  await shot("composer-mistakes");
});

await test("an example is checked and submitted", async () => {
  const { items } = await (await fetch(`${base}/api/v1/examples`)).json();
  assert(items.length > 0, "the server offers no example");
  await page.getByRole("button", { name: "Examples" }).click();
  await page.getByRole("menuitem", { name: items[0].title }).click();
  await page.getByText("Ready to submit.").waitFor();
  await accessible("the composer");
  await shot("composer");
  await page.getByTestId("submit").click();
  await page.waitForURL(/\/campaigns\/cmp_/);
  campaign = new URL(page.url()).pathname;
});

await test("pause and resume are confirmed and shown", async () => {
  await page.getByRole("button", { name: "Pause" }).click();
  await accessible("the dialog");
  await confirm("Pause", "to look at it");
  await state("paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await confirm("Resume");
  await state("running");
});

await test("experiments arrive without a reload", async () => {
  await live();
  await page.evaluate(() => (window.sameDocument = true));
  const before = await done();
  await page.waitForFunction((n) => Number(/\d+/.exec(document.querySelector("dl.tiles dd").textContent)[0]) > n + 1, before, { timeout: 90_000 });
  await page.locator('.vt [role="row"]', { hasText: "succeeded" }).first().waitFor();
  assert(await page.locator("canvas").count() >= 1, "no plot is drawn");
  if (own) await page.getByRole("list", { name: "What steps wait for" }).getByText("no slot of heater-1 is free").waitFor(); // elsewhere nothing may wait
  assert(await page.evaluate(() => window.sameDocument), "the page was loaded anew");
  await accessible("the live campaign");
  await shot("live");
});

await test("the plot and the table answer to keys", async () => {
  const plot = page.locator(".canvas").first();
  await plot.focus();
  await page.keyboard.press("Home");
  await page.locator(".readout", { hasText: "#1" }).first().waitFor();
  const sort = page.getByRole("columnheader", { name: "state" }).getByRole("button");
  await sort.focus();
  await page.keyboard.press("Enter");
  await page.locator('[role="columnheader"][aria-sort="ascending"]', { hasText: "state" }).waitFor();
});

await test("every tab of a campaign is there", async () => {
  for (const tab of ["Experiments", "Plans", "Events", "Document"]) {
    await page.getByRole("tab", { name: tab, exact: true }).click();
    await page.getByRole("tabpanel").locator(".card, .editor .cm-content").first().waitFor();
    await accessible(`the tab ${tab}`);
    await shot(`tab-${tab.toLowerCase()}`);
  }
});

await test("an experiment says why", async () => {
  await page.goto(`${base}${campaign}/experiments/1`);
  await page.getByRole("heading", { name: "Why this one" }).waitFor();
  await page.getByRole("heading", { name: "Steps" }).waitFor();
  await accessible("an experiment");
  await shot("experiment");
});

await test("outcomes are downloaded as JSON Lines and CSV", async () => {
  await page.goto(base + campaign);
  for (const [item, kind] of [["JSON Lines", "jsonl"], ["CSV", "csv"]]) {
    await page.getByRole("button", { name: "Export" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: item }).click()]);
    assert.equal(download.suggestedFilename(), `${campaign.split("/").at(-1)}.${kind}`);
    const lines = readFileSync(await download.path(), "utf8").trim().split("\n");
    assert(lines.length >= 1 && lines[0].length > 10, `the ${kind} is empty`);
    if (kind === "jsonl") for (const l of lines) assert(JSON.parse(l), "a line is no JSON");
  }
});

await test("devices show what they do and can be stopped and reset", async () => {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Devices" }).click();
  const card = page.locator("[data-device]", { hasText: "online" }).first();
  await card.waitFor();
  await accessible("the devices");
  await shot("devices");
  await card.getByRole("button", { name: "Software stop" }).click();
  await card.getByText("stopped", { exact: true }).waitFor();
  await page.getByRole("alert").getByText(/stopped/).waitFor();
  await accessible("the devices with one stopped");
  await card.getByRole("button", { name: "Reset" }).click();
  await card.getByText("stopped", { exact: true }).waitFor({ state: "hidden" });
});

const imported = await (await import("./imports.mjs")).importTests({ test, page, base, accessible, shot });

const extra = own ? await (await import("./reading.mjs")).readingTests({ test, page, base, accessible, shot }) : ["/data"];
extra.push(...imported);

await test("keys go places and can be read up", async () => {
  await page.goto(base);
  await page.getByRole("heading", { name: "Campaigns", level: 1 }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.waitForURL(/\/devices$/);
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("This sheet").waitFor();
  await accessible("the sheet of keys");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
});

await test("what does not exist is said", async () => {
  await page.goto(`${base}/nowhere`);
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await page.goto(`${base}/campaigns/cmp_00000000-0000-7000-8000-000000000000`);
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await accessible("not found");
});

await test("dark is as readable as light", async () => {
  await page.goto(base);
  const button = page.getByRole("button", { name: /^Colours:/ });
  while (!/^Colours: dark/.test(await button.getAttribute("aria-label"))) await button.click();
  for (const path of ["/", "/new", campaign, `${campaign}?tab=document`, `${campaign}/experiments/1`, "/devices", "/review", ...extra]) {
    await page.goto(base + path);
    await page.locator("main h1").waitFor();
    await page.locator("main .card, main .editor, main .needs").first().waitFor();
    await accessible(`${path} in dark`);
    await shot(`dark${path.replace(/\W+/g, "-")}`);
  }
});

await test("a phone shows every page without sideways scrolling", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/", "/new", campaign, `${campaign}?tab=plans`, `${campaign}?tab=events`, `${campaign}?tab=document`, `${campaign}/experiments/1`, "/devices", "/review", "/nowhere", ...extra]) {
    await page.goto(base + path);
    await page.locator("main h1").waitFor();
    await page.locator("main .card, main .editor, main .needs").first().waitFor();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert(over <= 0, `${path} is ${over} px too wide`);
    await shot(`phone${path.replace(/\W+/g, "-")}`);
  }
  await accessible("a phone");
  await page.setViewportSize({ width: 1280, height: 900 });
});

await test("eight tabs are live at once", async () => {
  const tabs = [];
  for (let i = 0; i < 7; i++) {
    const p = await context.newPage();
    tabs.push(p);
    await p.goto(base + campaign);
    await live(p);
  }
  await Promise.all(tabs.map((p) => p.close()));
});

if (own) {
  await test("a server that goes away is told, and comes back by itself", async () => {
    await page.goto(base);
    await live();
    await own.stop();
    await page.getByRole("alert").getByText(/has not answered/).waitFor();
    await accessible("the page without a server");
    await shot("server-gone");
    await own.start();
    await live();
    await page.getByRole("alert").waitFor({ state: "hidden" });
    await page.locator("table.records").waitFor();
  });
} else {
  await test("abort ends the campaign", async () => {
    await page.goto(base + campaign);
    const button = page.getByRole("button", { name: "Abort" });
    await page.locator("dl.tiles").waitFor();
    if (await button.count()) {
      await button.click();
      await confirm("Abort for good", "the test is over");
    }
    await page.locator("main header .tag").getByText(/aborted|stopping|completed/).waitFor();
  });
}

await test("nothing left the machine, and the console is clean", async () => {
  assert.deepEqual(outside, [], "requests left the origin");
  const unexpected = errors.filter((e) => !/Failed to load resource/.test(e) && !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE/.test(e));
  assert.deepEqual(unexpected, [], "errors on the console");
});

await close();
await own?.end();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
