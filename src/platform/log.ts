import { hideSecrets } from "./secrets.ts";
import { currentTrace } from "./trace.ts";

/** How much a line matters, the least first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line may carry: plain values, never a URL with a query or a stack. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

const MAX_TEXT = 500;

// One deployment's variables are those of all that an isolate runs.
let lowest = LOG_LEVELS.indexOf("info");

/** Lines that matter less than this are not written. */
export function setLogLevel(level: LogLevel): void {
  lowest = LOG_LEVELS.indexOf(level);
}

/** Writes one JSON line, without secrets; Workers Logs index its fields. In a trace the line has its id. */
export function log(level: LogLevel, message: string, fields: LogFields = {}): void {
  if (LOG_LEVELS.indexOf(level) < lowest) return;
  const told = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? hideSecrets(value) : value,
  ]);
  const trace = currentTrace()?.trace;
  const ids = trace === undefined ? {} : { trace };
  console[level](
    JSON.stringify({ level, message: hideSecrets(message), ...Object.fromEntries(told), ...ids }),
  );
}

/** The text of whatever was thrown, capped, without its stack and without secrets. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return hideSecrets(text).slice(0, MAX_TEXT);
}
