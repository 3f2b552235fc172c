import { hideSecrets } from "./secrets.ts";

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a line may carry: plain values, never a URL with a query or a stack. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

const MAX_TEXT = 500;

/** Writes one JSON line, without secrets; Workers Logs index its fields. */
export function log(level: LogLevel, message: string, fields: LogFields = {}): void {
  const told = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? hideSecrets(value) : value,
  ]);
  console[level](
    JSON.stringify({ level, message: hideSecrets(message), ...Object.fromEntries(told) }),
  );
}

/** The text of whatever was thrown, capped, without its stack and without secrets. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return hideSecrets(text).slice(0, MAX_TEXT);
}
