import { describe, expect, it } from "vitest";
import { fileURL, manifestFiles } from "./client";

describe("manifestFiles", () => {
  it("keeps what names a file", () => {
    expect(manifestFiles({ files: [{ path: "data/a.parquet", bytes: 12, rows: 3, sha256: "ab" }, { path: "b", bytes: "many" }] })).toEqual([
      { path: "data/a.parquet", bytes: 12, rows: 3, sha256: "ab" },
      { path: "b", bytes: undefined, rows: undefined, sha256: undefined },
    ]);
  });
  it.each([[undefined], [null], ["text"], [{}], [{ files: 3 }], [{ files: [null, 1, {}, { path: 4 }, { path: "" }] }]])("finds none in %j", (x) => {
    expect(manifestFiles(x)).toEqual([]);
  });
});

it("a path cannot leave its query", () => {
  expect(fileURL("ab", "csv", "a&format=x#y z")).toBe("/api/v1/snapshots/ab/file?format=csv&path=a%26format%3Dx%23y+z");
  expect(fileURL("ab", "", "manifest.json")).toBe("/api/v1/snapshots/ab/file?path=manifest.json");
});
