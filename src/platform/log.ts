/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a line may carry: plain values, never a secret, a URL with a query or a stack. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

const MAX_TEXT = 500;

/** Writes one JSON line; Workers Logs index its fields. */
export function log(level: LogLevel, message: string, fields: LogFields = {}): void {
  console[level](JSON.stringify({ level, message, ...fields }));
}

/** The text of whatever was thrown, capped and without its stack. */
export function errorText(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_TEXT);
}
