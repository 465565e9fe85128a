import { expect, it } from "vitest";
import type { Row } from "../api/client";
import { sortRows } from "./ExperimentTable";

it("keeps what has no value last, whichever way the table is turned", () => {
  const rows = [1, NaN, 3, 2].map((v, i) => ({ number: i + 1, v }) as unknown as Row);
  const by = (r: Row) => (r as unknown as { v: number }).v;
  expect(sortRows(rows, by, false).map(by)).toEqual([1, 2, 3, NaN]);
  expect(sortRows(rows, by, true).map(by)).toEqual([3, 2, 1, NaN]);
});
