/** What a version of the configuration is called in `ETag` and `If-Match`. */
export function configEtag(version: number): string {
  return `"${version}"`;
}

/**
 * The version that a client expects to replace: null without the header, and `other` when what it names is no
 * version: `*` is none, for whoever sends it has read nothing.
 */
export function expectedVersion(header: string | undefined): number | "other" | null {
  if (header === undefined) return null;
  const digits = /^"?(\d{1,15})"?$/.exec(header.trim())?.[1];
  return digits === undefined ? "other" : Number(digits);
}
