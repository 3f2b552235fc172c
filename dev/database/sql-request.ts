import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";

const MAX_STATEMENTS = 1_000;

const statementSchema = z.object({
  query: z.string(),
  params: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).default([]),
});
const singleSchema = statementSchema.transform((statement) => ({
  kind: "single" as const,
  statement,
}));
const batchSchema = z
  .object({ queries: z.array(statementSchema).min(1).max(MAX_STATEMENTS) })
  .transform(({ queries }) => ({ kind: "batch" as const, queries }));

/** A statement as Neon's driver sends it: values as text. */
export type WireStatement = z.infer<typeof statementSchema>;

const ISOLATION_LEVELS: Readonly<Record<string, string>> = {
  ReadUncommitted: "read uncommitted",
  ReadCommitted: "read committed",
  RepeatableRead: "repeatable read",
  Serializable: "serializable",
};

/** One request of `/sql`. */
export interface SqlRequest {
  readonly work: z.infer<typeof singleSchema> | z.infer<typeof batchSchema>;
  /** The BEGIN of a batch with what its headers ask for. */
  readonly begin: string;
  /** Values as Postgres prints them, not parsed. */
  readonly rawText: boolean;
  /** Rows as arrays, not objects. */
  readonly arrayMode: boolean;
}

/** Reads a request as Neon's HTTP driver writes it; null when it is malformed. */
export function parseSqlRequest(headers: IncomingHttpHeaders, body: string): SqlRequest | null {
  const work = z.union([batchSchema, singleSchema]).safeParse(parseJson(body));
  const begin = beginStatement(headers);
  if (!work.success || begin === null) return null;
  return {
    work: work.data,
    begin,
    rawText: headers["neon-raw-text-output"] === "true",
    arrayMode: headers["neon-array-mode"] === "true",
  };
}

function beginStatement(headers: IncomingHttpHeaders): string | null {
  const isolation = headers["neon-batch-isolation-level"];
  const level = isolation === undefined ? "" : ISOLATION_LEVELS[String(isolation)];
  if (level === undefined) return null;
  return [
    "begin",
    level === "" ? "" : ` isolation level ${level}`,
    headers["neon-batch-read-only"] === "true" ? " read only" : "",
    headers["neon-batch-deferrable"] === "true" ? " deferrable" : "",
  ].join("");
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
