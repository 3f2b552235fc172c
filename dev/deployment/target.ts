/** A deployment that a command talks to, and the key that it does so with. */
export interface Target {
  /** Its address, without a path. */
  readonly url: string;
  readonly key: string;
}

/** The options of every command that talks to a deployment, for `parseArgs`. */
export const TARGET_OPTIONS = {
  url: { type: "string" },
  "key-env": { type: "string" },
} as const;

/**
 * Reads `--url` and `--key-env`. A key comes by the name of its variable: an argument list can be read by
 * everybody on the machine. Throws with a sentence that says what is wrong, and repeats no value.
 */
export function readTarget(
  values: { readonly url?: string | undefined; readonly "key-env"?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Target {
  const { url, "key-env": keyEnv } = values;
  if (url === undefined || !/^https?:\/\/[^/]/.test(url))
    throw new Error("--url is no http(s) address");
  if (keyEnv === undefined) throw new Error("--key-env names the variable that holds the key");
  const key = env[keyEnv];
  // The name may be a key that was given by mistake: it is not repeated.
  if (key === undefined || key === "")
    throw new Error("the variable that --key-env names is not set");
  return { url: url.replace(/\/+$/, ""), key };
}
