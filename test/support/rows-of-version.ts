import type pg from "pg";

const BAR = "100, 101, 99, 100.5, 1234.5, 100.25, 42";
const ORIGIN = "'2026-03-20 13:31:58Z', 'alpaca', 'sip'";
const DAY = "for values from ('2026-03-20 00:00Z') to ('2026-03-21 00:00Z')";

/** Rows for each table that an earlier version had; `call` gives a table its partitions, once it is there. */
const SEEDS: readonly {
  readonly table: string;
  readonly partitions?: { readonly call: string; readonly before: string };
  readonly insert: string;
}[] = [
  {
    table: "candles_intraday",
    partitions: {
      call: "ensure_day_partitions('2026-03-20', '2026-03-20')",
      before: `create table candles_intraday_20260320 partition of candles_intraday ${DAY};
        create table candles_revisions_20260320 partition of candles_revisions ${DAY}`,
    },
    insert: `select symbol, '1m', timestamptz '2026-03-20 13:30Z', ${BAR},
      timestamptz '2026-03-20 13:33Z', timestamptz ${ORIGIN}, 'regular', 'updated', 1
      from unnest(array['KEPT', 'OLD']) symbol`,
  },
  {
    table: "candles_revisions",
    insert: `select symbol, '1m', timestamptz '2026-03-20 13:30Z', ${BAR},
      timestamptz '2026-03-20 13:32Z', timestamptz ${ORIGIN}, 'regular', 'first', 0
      from unnest(array['KEPT', 'OLD']) symbol`,
  },
  {
    table: "symbol_universe",
    insert: `values ('KEPT', 0, 'Kept Inc.', 'XNAS', 'stock', 'T0', 3, true, null,
      null::date, date '2026-03-20', date '2026-03-20', null::float8)`,
  },
  {
    table: "group_cursor",
    insert: `values (3, 'bars', '00000000abcdef', 7, timestamptz '2026-03-20 13:33Z',
      timestamptz '2026-03-20 13:31Z', null::timestamptz)`,
  },
  {
    table: "ingestion_cursor",
    insert: `values ('KEPT', '1m', null::timestamptz, null::timestamptz,
      '{["2026-03-20 13:31Z","2026-03-20 13:32Z")}'::tstzmultirange, '{}'::tstzmultirange,
      timestamptz '2026-03-20 13:33Z')`,
  },
  {
    table: "gap_events",
    insert: `values (3, 'bars', '00000000abcdef', 7, 'KEPT', timestamptz '2026-03-20 13:31Z',
      timestamptz '2026-03-20 13:32Z', 'open', timestamptz '2026-03-20 13:33Z', null, null)`,
  },
  {
    table: "candles_daily",
    partitions: { call: "ensure_year_partitions('2026-03-20', '2026-03-20')", before: "" },
    insert: `values ('KEPT', date '2026-03-20', ${BAR},
      timestamptz '2026-03-20 20:20Z', timestamptz ${ORIGIN}, 'first', 0)`,
  },
  {
    table: "quotes_l1",
    partitions: { call: "ensure_quote_partitions('2026-03-20', '2026-03-20')", before: "" },
    insert: `values ('KEPT', timestamptz '2026-03-20 13:30:01Z', 'iex', 0, 100, 100.1, 1, 2,
      'shares', null::float8, null::timestamptz, null, true, 'sip', timestamptz '2026-03-20 13:30:02Z',
      timestamptz '2026-03-20 13:30:02Z', 'first')`,
  },
];

/**
 * Fills the tables of a database of any version, over a client whose search path leads to it. Answers the tables
 * that have rows now.
 */
export async function sowRows(client: pg.Client): Promise<string[]> {
  const sown: string[] = [];
  for (const { table, partitions, insert } of SEEDS) {
    if (!(await exists(client, "to_regclass", table))) continue;
    if (partitions !== undefined) {
      const name = partitions.call.slice(0, partitions.call.indexOf("("));
      const makes = await exists(client, "to_regproc", name);
      await client.query(makes ? `select ${partitions.call}` : partitions.before);
    }
    await client.query(`insert into ${table} ${insert}`);
    sown.push(table);
  }
  return sown;
}

/** Whether the first schema of the search path has it; others may be migrated further. */
async function exists(
  client: pg.Client,
  lookUp: "to_regclass" | "to_regproc",
  name: string,
): Promise<boolean> {
  const text = `select where ${lookUp}(format('%I.%I', current_schema(), $1::text)) is not null`;
  return (await client.query(text, [name])).rowCount === 1;
}

/** All rows of some tables as JSON objects, table by table. */
export async function rowsOf(
  client: pg.Client,
  tables: readonly string[],
): Promise<Record<string, unknown>[][]> {
  const found: Record<string, unknown>[][] = [];
  for (const table of tables) {
    const { rows } = await client.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from ${table} t order by t::text`,
    );
    found.push(rows.map(({ row }) => row));
  }
  return found;
}
