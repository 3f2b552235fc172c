import pg from "pg";
import type { SqlRequest, WireStatement } from "./sql-request.ts";

/** One result in the shape that Neon's driver reads. */
export interface WireResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly unknown[];
  readonly rowAsArray: boolean;
}

const RAW_TEXT = { getTypeParser: () => (text: string) => text };

/** Runs a request: a single statement by itself, a batch in one transaction that any error undoes. */
export async function runSqlRequest(
  pool: pg.Pool,
  request: SqlRequest,
): Promise<WireResult | { readonly results: readonly WireResult[] }> {
  const { work } = request;
  const client = await pool.connect();
  let broken = false;
  try {
    if (work.kind === "single") return await runStatement(client, work.statement, request);
    await client.query(request.begin);
    try {
      const results: WireResult[] = [];
      for (const statement of work.queries) {
        results.push(await runStatement(client, statement, request));
      }
      await client.query("commit");
      return { results };
    } catch (error) {
      await client.query("rollback").catch(() => {
        broken = true;
      });
      throw error;
    }
  } finally {
    client.release(broken);
  }
}

async function runStatement(
  client: pg.PoolClient,
  statement: WireStatement,
  request: SqlRequest,
): Promise<WireResult> {
  const result = await client.query<unknown[]>({
    text: statement.query,
    values: statement.params,
    rowMode: "array",
    types: request.rawText ? RAW_TEXT : pg.types,
  });
  const names = result.fields.map((field) => field.name);
  return {
    command: result.command,
    rowCount: result.rowCount,
    fields: result.fields,
    rows: request.arrayMode
      ? result.rows
      : result.rows.map((row) =>
          Object.fromEntries(names.map((name, column) => [name, row[column]])),
        ),
    rowAsArray: request.arrayMode,
  };
}
