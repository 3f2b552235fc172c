import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { HttpResponse } from "../../src/providers/provider.ts";

const folder = join(process.env["MDS_SHARED"] ?? "../shared", "data/provider-payloads");

/** Whether the recorded payloads are here. Prints why not; with `REQUIRE_ALL=1` that is a failure. */
export const hasPayloads: boolean = existsSync(folder);
if (!hasPayloads) {
  const reason = `skipped: no recorded provider payloads in ${folder} (set MDS_SHARED)`;
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(reason);
  console.warn(reason);
}

/** Names of all recorded JSON payloads of a provider, sorted. */
export function payloadFiles(provider: string): string[] {
  return readdirSync(join(folder, provider))
    .filter((file) => file.endsWith(".json"))
    .sort();
}

/** The recorded bytes, as text. */
export function payloadText(provider: string, file: string): string {
  return readFileSync(join(folder, provider, file), "utf8");
}

const errorSchema = z.object({
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown(),
});

/** An `err_*` file as the response it records, header names in lower case as the port gives them. */
export function errorResponse(provider: string, file: string): HttpResponse {
  const { status, headers, body } = errorSchema.parse(JSON.parse(payloadText(provider, file)));
  const lower = Object.entries(headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  return { status, headers: Object.fromEntries(lower), body: JSON.stringify(body) };
}
