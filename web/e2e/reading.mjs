// What only the laboratory in memory shows for certain: a campaign that has read, one
// whose papers people judge, devices in trouble, and a snapshot.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export async function readingTests({ test, page, base, accessible, shot }) {
  const { items } = await (await fetch(`${base}/api/v1/campaigns`)).json();
  const called = (title) => `/campaigns/${items.find((c) => c.title.startsWith(title)).id}`;
  const [read, screening, plain] = [called("Arylation after reading"), called("Arylation, papers to be judged"), called("Ligand exchange")];

  await test("an experiment names the papers and the model that moved it", async () => {
    await page.goto(`${base}${read}/experiments/6`);
    await page.getByRole("heading", { name: "Papers that moved it" }).waitFor();
    await page.getByText(/62.% of what papers did/).waitFor();
    await page.getByText("Had nothing been read, it would have been 6th").waitFor();
    await page.getByText("estimator@3").waitFor();
    // what a paper says is text, whatever it holds
    await page.getByText('<img src=x onerror="alert(1)">').first().waitFor();
    assert.equal(await page.locator("main img").count(), 0, "a paper's title became markup");
    await accessible("an experiment that papers moved");
    await shot("why");
  });

  await test("a plan says how far to lean on its model, and when to stop", async () => {
    await page.goto(`${base}${read}?tab=plans`);
    await page.getByRole("heading", { name: "Advice: stop here" }).first().waitFor();
    await page.getByText("model: poor").first().waitFor();
    await page.getByText("How well its model predicts").first().click();
    await page.getByText("Inside its 95 % interval").first().waitFor();
    await accessible("the plans with their checks");
    await shot("plans");
  });

  await test("a campaign that reads shows its literature, and only such a one", async () => {
    await page.goto(base + plain);
    await page.getByRole("tab", { name: "Plans" }).waitFor();
    assert.equal(await page.getByRole("tab", { name: "Literature" }).count(), 0);
    await page.goto(base + read);
    await page.getByRole("tab", { name: "Literature" }).click();
    await page.getByRole("heading", { name: "Papers kept (4)" }).waitFor();
    await page.getByRole("heading", { name: "From search to findings" }).waitFor();
    await page.getByRole("heading", { name: /^Claims/ }).waitFor();
    assert(await page.locator("table.plain tbody tr").count() >= 4, "findings are missing");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Report (Markdown)" }).click()]);
    assert(readFileSync(await download.path(), "utf8").startsWith("# What was read"));
    await accessible("the literature");
    await shot("literature");
  });

  await test("a finding is marked in its words, accepted, corrected, rejected and taken back", async () => {
    await page.goto(`${base}${read}?tab=literature`);
    const card = page.getByRole("region", { name: "Check what was found" });
    await card.getByText("0 of 6 checked").waitFor();
    const finding = (name) => card.getByRole("listitem", { name });
    const warm = finding(/^temperature 105/);
    assert.deepEqual(await warm.locator("mark").allInnerTexts(), ["105", "°C"], "the words of the finding are not marked");
    await card.getByLabel("Your name, beside what you check").fill("ana");
    await warm.getByRole("button", { name: /^Right/ }).click();
    await warm.getByText("accepted", { exact: true }).waitFor();
    await card.getByText("1 of 6 checked").waitFor();
    await warm.getByRole("button", { name: /^Correct/ }).click();
    await warm.getByRole("button", { name: "Save" }).click();
    await warm.getByText(/Nothing differs/).waitFor();
    await warm.getByLabel("Value").fill("115");
    await warm.getByLabel("Why").fill("table 2");
    await accessible("the form that corrects a finding");
    await shot("correcting");
    await warm.getByRole("button", { name: "Save" }).click();
    const fixed = finding(/^temperature 115/).first();
    await fixed.getByText(/found as temperature 105/).waitFor();
    await fixed.getByText(/ana corrected it: value 115 \(table 2\)/).waitFor();
    const yields = finding(/^yield 78/);
    await yields.getByRole("button", { name: /^Wrong/ }).click();
    await yields.getByText("rejected", { exact: true }).waitFor();
    await yields.getByRole("button", { name: /^Take back/ }).click();
    await yields.getByText("not checked").waitFor();
    await card.getByText("1 of 6 checked").waitFor();
    await card.getByLabel("what bears on nothing here, too").check();
    await card.getByText("1 of 7 checked").waitFor();
    await card.getByLabel("In", { exact: true }).selectOption({ label: "Temperature windows of palladium couplings" });
    await card.getByText("0 of 2 checked").waitFor();
    await accessible("the findings");
    await shot("findings");
  });

  await test("papers are judged by keys, taken back, and end the screening", async () => {
    await page.goto(base + screening);
    await page.getByRole("link", { name: "Judge papers" }).click();
    const box = page.getByTestId("judging");
    await box.getByText("Pivalate bases").waitFor();
    await accessible("the screening");
    await page.keyboard.press("n");
    await box.getByText("Temperature windows").waitFor();
    assert(page.url().includes(screening), "n left the page while papers are judged");
    assert(await box.evaluate((e) => e === document.activeElement), "the focus is not with the paper");
    await page.getByText("1 of 3 judged").waitFor();
    await page.keyboard.press("z");
    await box.getByText("Pivalate bases").waitFor();
    await page.getByText("0 of 3 judged").waitFor();
    await shot("screening");
    await page.getByLabel("Your name, beside what you say").fill("yuna"); // letters of a name judge nothing
    await box.getByText("Pivalate bases").waitFor();
    for (const key of ["y", "u"]) {
      const before = await box.innerText();
      await box.focus();
      await page.keyboard.press(key);
      await page.waitForFunction((t) => document.querySelector("[data-testid=judging]").innerText !== t, before);
    }
    await page.getByText("2 of 3 judged").waitFor();
    await page.getByRole("button", { name: /^Irrelevant/ }).click();
    await page.getByRole("heading", { name: "Papers kept (3)" }).waitFor();
    await page.locator("section", { hasText: "The review" }).getByText("done", { exact: true }).waitFor();
    await page.getByText("Left out, nearest first (3)").waitFor();
  });

  await test("a device in trouble says what to do", async () => {
    await page.goto(`${base}/devices`);
    await page.getByRole("note", { name: "What to do about carrier-1" }).getByText(/does not hear/).waitFor();
    await page.getByRole("note", { name: "What to do about xrd-1" }).getByText(/Calibrate it/).waitFor();
    await page.getByText("2 devices to see to").waitFor();
    await page.locator("main").getByRole("link", { name: "xrd-1", exact: true }).click();
    assert(page.url().endsWith("/devices#device-xrd-1"), "the name does not lead to the device");
    await accessible("devices in trouble");
    await shot("trouble");
  });

  await test("snapshots are made, and their files downloaded", async () => {
    await page.goto(`${base}/data`);
    await page.getByText("CSV: settings and values").first().click();
    const link = page.getByRole("link", { name: "data/experiments.jsonl" }).first();
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    assert.equal(download.suggestedFilename(), "experiments.jsonl");
    assert(readFileSync(await download.path(), "utf8").length > 10, "the file is empty");
    await page.getByRole("button", { name: "New snapshot" }).click();
    await page.getByRole("dialog").getByLabel("Parquet: tables").check();
    await accessible("the dialog of a new snapshot");
    await page.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
    await page.getByText(/^The snapshot \w+ is there/).waitFor();
    await page.getByText("Parquet: tables").first().waitFor();
    await accessible("the snapshots");
    await shot("data");
  });
  return [`${read}?tab=literature`, `${read}?tab=plans`, `${read}/experiments/6`, "/data"];
}
