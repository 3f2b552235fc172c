import { parseArgs } from "node:util";
import { isCanonicalSymbol } from "../../src/domain/symbol.ts";
import { readTarget, TARGET_OPTIONS } from "../deployment/target.ts";
import type { ProbeTarget } from "./probe-stream.ts";

/** What `npm run probe` was asked to do. */
export interface ProbeOptions extends ProbeTarget {
  readonly json: boolean;
}

/** A liquid symbol that every universe has. */
const DEFAULT_SYMBOL = "SPY";
const DEFAULT_TIMEOUT_MS = 10_000;

export const USAGE = `npm run probe -- --url URL --key-env NAME [options]
  --url URL        address of the deployment, https://…
  --key-env NAME   the environment variable that holds a key of role read or ops
  --symbol S       what to subscribe to (${DEFAULT_SYMBOL})
  --timeout MS     what all of it may take (${DEFAULT_TIMEOUT_MS})
  --json           print the result as one JSON line
exit code: 0 the stream works, 1 it does not, 2 usage`;

/** Reads the command line. Throws with a sentence that says what is wrong. */
export function parseProbeOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ProbeOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...TARGET_OPTIONS,
      symbol: { type: "string", default: DEFAULT_SYMBOL },
      timeout: { type: "string", default: String(DEFAULT_TIMEOUT_MS) },
      json: { type: "boolean", default: false },
    },
  });
  const timeoutMs = Number(values.timeout);
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1)
    throw new Error("--timeout is no number of milliseconds");
  if (!isCanonicalSymbol(values.symbol)) throw new Error("--symbol is no canonical symbol");
  return { ...readTarget(values, env), symbol: values.symbol, timeoutMs, json: values.json };
}
