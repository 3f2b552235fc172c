import { groupName } from "./symbol.ts";

/**
 * Where an object can be placed. Source: Cloudflare's location hints of Durable Objects
 * (developers.cloudflare.com/durable-objects/reference/data-location).
 */
export const REGIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export type Region = (typeof REGIONS)[number];

/** A host-only instance: it holds connections and is home of no symbol. */
export interface ExtraHost {
  readonly region: Region;
  readonly number: number;
}

/** What a name of a `SymbolGroup` object says: which group it is, or which host-only instance. */
export type HostIdentity =
  | { readonly kind: "group"; readonly group: number }
  | ({ readonly kind: "extra" } & ExtraHost);

/** Name of a host-only instance: `h-weur-0`. */
export function extraHostName({ region, number }: ExtraHost): string {
  return `h-${region}-${number}`;
}

/** Name of the object that is this host. */
export function hostName(host: HostIdentity): string {
  return host.kind === "group" ? groupName(host.group) : extraHostName(host);
}

/**
 * Whose name it is, null for nobody's. A host-only instance beyond the number that is configured now may
 * still hold connections from before: its name goes on to say where it is.
 */
export function parseHostName(name: string): HostIdentity | null {
  const group = /^g(\d{2,4})$/.exec(name);
  if (group !== null) return { kind: "group", group: Number(group[1]) };
  const extra = /^h-([a-z]+)-(0|[1-9]\d?)$/.exec(name);
  const region = REGIONS.find((each) => each === extra?.[1]);
  return region === undefined ? null : { kind: "extra", region, number: Number(extra?.[2]) };
}

/** Whether a text names a host. */
export function isHostName(name: string): boolean {
  return parseHostName(name) !== null;
}
