/** The key of an `Authorization` header; null when it has none. */
export function bearerKey(header: string | undefined): string | null {
  return /^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? null;
}
