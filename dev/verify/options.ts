import { parseArgs } from "node:util";
import { isTradingDate } from "../../src/domain/trading-date.ts";

/** What `npm run verify` was asked to do. */
export interface VerifyOptions {
  /** Address of the deployment, without a path. */
  readonly url: string;
  readonly key: string;
  /** Null: the session that began last. */
  readonly date: string | null;
  readonly repair: boolean;
  readonly json: boolean;
}

export const USAGE = `npm run verify -- --url URL --key-env NAME [options]
  --url URL        address of the deployment, https://…
  --key-env NAME   the environment variable that holds an ops key
  --date D         the session to verify, YYYY-MM-DD (the one that began last)
  --repair         ask again for what lacks in Postgres
  --json           print the result as one JSON line
exit code: 0 nothing differs, 1 something does, 2 usage, or not everything could be verified`;

/** Reads the command line. Throws with a sentence that says what is wrong. */
export function parseVerifyOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): VerifyOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      url: { type: "string" },
      "key-env": { type: "string" },
      date: { type: "string" },
      repair: { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  const { url, date = null, repair = false, json = false } = values;
  if (url === undefined || !/^https?:\/\/[^/]/.test(url))
    throw new Error("--url is no http(s) address");
  const keyEnv = values["key-env"];
  if (keyEnv === undefined) throw new Error("--key-env names the variable that holds the key");
  const key = env[keyEnv];
  // The name may be a key that was given by mistake: it is not repeated.
  if (key === undefined || key === "")
    throw new Error("the variable that --key-env names is not set");
  if (date !== null && !isTradingDate(date)) throw new Error("--date is no date (YYYY-MM-DD)");
  return { url: url.replace(/\/+$/, ""), key, date, repair, json };
}
