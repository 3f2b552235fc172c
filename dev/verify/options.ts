import { parseArgs } from "node:util";
import { isTradingDate } from "../../src/domain/trading-date.ts";
import { readTarget, type Target, TARGET_OPTIONS } from "../deployment/target.ts";

/** What `npm run verify` was asked to do. */
export interface VerifyOptions extends Target {
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
      ...TARGET_OPTIONS,
      date: { type: "string" },
      repair: { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  const { date = null, repair = false, json = false } = values;
  const target = readTarget(values, env);
  if (date !== null && !isTradingDate(date)) throw new Error("--date is no date (YYYY-MM-DD)");
  return { ...target, date, repair, json };
}
