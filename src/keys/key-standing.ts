import type { KeyGrant } from "../contracts/keys.ts";
import type { EpochMs } from "../domain/time.ts";

/** Whether a key holds; a revoked one is told of as such even after it has expired. */
export type KeyStanding = "valid" | "expired" | "revoked";

/** How a key stands at a time, wall ms. It holds up to its end and not at it. */
export function keyStanding(
  { expiresMs, revokedMs }: Pick<KeyGrant, "expiresMs" | "revokedMs">,
  nowMs: EpochMs,
): KeyStanding {
  if (revokedMs !== null) return "revoked";
  return expiresMs !== null && expiresMs <= nowMs ? "expired" : "valid";
}
