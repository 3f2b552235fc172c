import { VersionWatch } from "../config/version-watch.ts";
import { wallClock } from "../platform/clocks.ts";

// Of this isolate: what it has not heard of, another one tells of at its own scrape.
const watch = new VersionWatch();

/** A request is served by this version of the configuration. */
export function noteServedBy(version: number): void {
  watch.note(version, wallClock.now());
}

/** The lowest version that this isolate served by in the last five minutes; null: it served nothing. */
export function lowestServedBy(): number | null {
  return watch.lowest(wallClock.now());
}
