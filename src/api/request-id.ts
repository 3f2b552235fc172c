/** What a caller may name a request by: long enough for every usual id, and nothing that a log could misread. */
const TAKEN = /^[\w.:-]{1,64}$/;

/** Where a request's id comes and goes. */
export const REQUEST_ID_HEADER = "X-Request-Id";

/**
 * The id of a request: the caller's own where it is well formed, so that one id leads through the caller's log
 * and ours; otherwise a new one. It names log lines and nothing else: two requests of one id do no harm.
 */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && TAKEN.test(given) ? given : crypto.randomUUID();
}
