import { expect, it } from "vitest";
import { z } from "zod";
import type { SqlClient, SqlStatement } from "../../../src/postgres/sql-client.ts";
import { readSplits } from "../../../src/postgres/splits-store.ts";
import { manySymbols } from "../../support/many-symbols.ts";

it("reads the splits of a page of 10,000 symbols a thousand at a time, each symbol once", async () => {
  const asked: string[][] = [];
  const sql: SqlClient = {
    query: async ({ params }: SqlStatement) => {
      const symbols = z.array(z.string()).parse(params[0]);
      asked.push(symbols);
      const rows = [{ symbol: symbols.at(-1), ex_date: "2026-03-23", factor: 4 }];
      return { rows, rowCount: 1 };
    },
    transaction: async () => [],
  };
  const symbols = manySymbols(10_001);
  const splits = await readSplits(sql, symbols, 0);
  expect(asked.map(({ length }) => length)).toEqual([
    ...Array.from({ length: 10 }, () => 1_000),
    1,
  ]);
  expect(asked.flat()).toEqual(symbols);
  expect(splits).toHaveLength(11);
  expect(await readSplits(sql, [], 0)).toEqual([]);
  expect(asked).toHaveLength(11);
});
