import type { z } from "zod";

/** A fault of a configuration: where, as JSON path, and what is wrong. */
export interface ConfigFault {
  readonly path: string;
  readonly message: string;
}

const NAME = /^[A-Za-z_]\w*$/;

/** A place in a JSON document, `$.breaker.demote`, `$.cold_start_sessions['1m']`. Source: RFC 9535. */
export function jsonPath(keys: readonly PropertyKey[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    const name = String(key);
    return NAME.test(name) ? `${path}.${name}` : `${path}[${quoted(name)}]`;
  }, "$");
}

/** Every fault that a schema found. A key that nobody knows is a fault of its own. */
export function faultsByPath(error: z.ZodError): ConfigFault[] {
  return error.issues.flatMap((issue): ConfigFault[] => {
    if (issue.code !== "unrecognized_keys")
      return [{ path: jsonPath(issue.path), message: issue.message }];
    return issue.keys.map((key) => ({
      path: jsonPath([...issue.path, key]),
      message: "there is no such field",
    }));
  });
}

function quoted(name: string): string {
  return `'${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
