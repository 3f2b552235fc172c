import { jsonPath } from "./json-path.ts";

/** A field that differs: null where there is none. */
export interface ConfigChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Overrides of the calendar can be a thousand: a longer diff is cut, and whoever needs more reads both. */
export const MAX_CHANGES = 200;

/** What differs between two JSON documents, by path, in the order of the fields; lists by their places. */
export function diffConfig(before: unknown, after: unknown): ConfigChange[] {
  const changes: ConfigChange[] = [];
  compare([], before, after, changes);
  return changes;
}

function compare(
  path: readonly (string | number)[],
  before: unknown,
  after: unknown,
  changes: ConfigChange[],
): void {
  if (changes.length >= MAX_CHANGES || Object.is(before, after)) return;
  const [old, next] = [entriesOf(before), entriesOf(after)];
  if (old === null || next === null || Array.isArray(before) !== Array.isArray(after)) {
    changes.push({ path: jsonPath(path), before: before ?? null, after: after ?? null });
    return;
  }
  for (const key of new Set([...old.keys(), ...next.keys()]))
    compare([...path, key], old.get(key), next.get(key), changes);
}

/** The fields of an object, the items of a list; null for a plain value. */
function entriesOf(value: unknown): Map<string | number, unknown> | null {
  if (Array.isArray(value)) return new Map(value.map((item: unknown, at) => [at, item]));
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : null;
}
