// A file comes in by the page: its mapping is proposed, asked about, changed and
// kept, what would happen is told at once, and what is held back is corrected.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";

const runs = "run id,solvent,temperature (°C),yield (%),status,comment\n" +
  "a1,DMSO,90.5,41.25,ok,\na2,DMF,95,52.5,ok,\na3,DMF,100,much,ok,\na4,DMSO,105,61,calibration,\na5,DMSO,110,67.5,ok,clear\na6,DMF,115,70.75,ok,\n";

export async function importTests({ test, page, base, accessible, shot }) {
  const text = `${runs}# ${new Date().toISOString()}\n`; // another file each time: one that is on record is not imported again
  const item = (name) => page.locator(`[data-column="${name}"]`);
  const tried = () => page.getByTestId("tried").getByText("tried by the server").waitFor();
  const cells = async (word) => Number((await page.getByTestId("ledger").locator("tr", { hasText: word }).locator("td.n").last().innerText()).replace(/\D/g, ""));
  let review = "";
  let kept = "";

  await test("a file is uploaded and its mapping proposed, with a question", async () => {
    await page.goto(`${base}/data`);
    await page.getByRole("link", { name: "Import a file" }).click();
    await page.getByRole("heading", { name: "Drop a file here" }).waitFor();
    await accessible("the choice of a file");
    await shot("import-choose");
    await page.getByLabel("File to import").setInputFiles({ name: "runs.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
    await page.getByRole("heading", { name: "Import runs.csv" }).waitFor();
    await tried();
    await item("yield").getByRole("button", { name: "It is %" }).waitFor();
    await page.getByRole("button", { name: "Import 0 rows" }).waitFor();
    assert((await page.locator("table.sample tbody tr").count()) >= 6, "no rows of the file are shown");
    review = new URL(page.url()).pathname + new URL(page.url()).search;
    await accessible("the review of an import");
    await shot("import-question");
  });

  await test("one click confirms the unit, and what would happen follows", async () => {
    await item("yield").getByRole("button", { name: "It is %" }).click();
    await page.getByRole("button", { name: "Import 5 rows" }).waitFor();
    await tried();
    assert.equal(await cells("held back"), 6, "the row that is no number is held back whole");
    await page.getByText(/much/).first().waitFor();
  });

  await test("names, roles, units and rules change what an import would do", async () => {
    await page.getByLabel("Name of temperature (°C)").fill("temp");
    await page.getByLabel("Name of temperature (°C)").press("Enter");
    await item("temp").waitFor();
    await page.getByLabel("Columns that are called").fill("comm*");
    await page.getByRole("button", { name: "Ignore 1 column" }).click();
    await item("comment").getByText("ignored", { exact: true }).waitFor();
    await page.getByRole("combobox", { name: "Rows by their" }).click();
    await page.getByRole("option", { name: "status" }).click();
    await page.getByLabel("that is", { exact: true }).fill("calibration");
    await page.getByRole("button", { name: "Ignore such rows" }).click();
    await page.getByRole("button", { name: "Import 4 rows" }).waitFor();
    await page.getByLabel("Unit (UCUM) of temperature (°C)").fill("furlong?");
    await page.getByLabel("Unit (UCUM) of temperature (°C)").press("Enter");
    await page.getByRole("alert").getByText(/furlong/).waitFor();
    await page.getByLabel("Unit (UCUM) of temperature (°C)").fill("Cel");
    await page.getByLabel("Unit (UCUM) of temperature (°C)").press("Enter");
    await tried();
    await page.getByText("every cell has one fate").waitFor();
    await accessible("the review of an import, answered");
    await shot("import-review");
  });

  await test("the mapping is kept as YAML, and opened again", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the mapping" }).click()]);
    assert.equal(download.suggestedFilename(), "runs.mapping.yaml");
    kept = readFileSync(await download.path(), "utf8");
    assert(kept.startsWith("athanor: import-mapping/1") && kept.includes("calibration"), kept);
    await page.reload();
    await page.getByRole("button", { name: "Import 4 rows" }).waitFor(); // what was answered is not lost
    await item("comment").getByRole("combobox", { name: /^Role/ }).click();
    await page.getByRole("option", { name: /Attribute/ }).click();
    await item("comment").getByText("confirmed", { exact: true }).waitFor();
    await page.getByLabel("Open a mapping").setInputFiles({ name: "m.yaml", mimeType: "application/yaml", buffer: Buffer.from(kept) });
    await item("comment").getByText("ignored", { exact: true }).waitFor();
    await tried();
  });

  let path = "";
  await test("the import is carried out, and its ledger adds up", async () => {
    await page.getByRole("button", { name: "Import 4 rows" }).click();
    await page.waitForURL(/\/data\/imports\/[0-9a-f]{64}/);
    path = new URL(page.url()).pathname;
    await page.getByRole("heading", { name: "Ledger" }).waitFor({ timeout: 60_000 });
    await page.getByText("every cell has one fate").waitFor();
    assert.equal(await cells("held back"), 6);
    await page.getByText("1 row held back").waitFor();
    await accessible("an import");
    await shot("import-done");
  });

  await test("a cell that is held back is corrected, wrongly and then rightly", async () => {
    const cell = page.getByLabel("yield (%) of row 4");
    await cell.fill("more");
    await page.getByRole("button", { name: "Import 1 corrected row" }).click();
    await page.getByText("0 rows imported, 1 still wrong.").waitFor();
    await cell.fill("58.5");
    await page.getByRole("button", { name: "Import 1 corrected row" }).click();
    await page.getByText("Nothing is held back.").waitFor();
    assert.equal(await cells("held back"), 0);
    await page.getByText("every cell has one fate").waitFor();
    await page.getByRole("link", { name: "Data" }).first().click();
    await page.getByRole("link", { name: "runs.csv" }).first().waitFor();
    await accessible("the data with an import");
    await shot("import-list");
  });

  await test("a file in the server's folder of imports is chosen there, and imported", async () => {
    const name = "shared.csv"; // whoever starts the server puts it there
    await page.goto(`${base}/data/import`);
    await page.getByRole("heading", { name: "In the server's folder of imports" }).waitFor();
    await page.getByRole("button", { name: `Choose ${name}` }).click();
    await page.getByRole("heading", { name: `Import ${name}` }).waitFor();
    await tried();
    await item("yield").getByRole("button", { name: "It is %" }).click();
    await page.getByRole("button", { name: "Import 2 rows" }).click();
    await page.waitForURL(/\/data\/imports\/[0-9a-f]{64}/);
    await page.getByRole("heading", { name: "Ledger" }).waitFor({ timeout: 60_000 });
    await page.getByText("every cell has one fate").waitFor();
  });

  return [review, path, "/data/import"];
}
