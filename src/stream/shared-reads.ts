import type { HomePort, LogSlice } from "./home-port.ts";

/**
 * A home whose log is read once however many connections want the same piece of it at the same time: after a
 * restart of a host all of them do. A read that is under way is not older than a caller may expect, since
 * whatever comes meanwhile is asked for next. `homeOf` is asked for each call: a stub that failed may be of no more use.
 */
export function withSharedReads(homeOf: () => HomePort): HomePort {
  const underWay = new Map<string, Promise<LogSlice>>();
  return {
    follow: (...args) => homeOf().follow(...args),
    latestQuotes: () => homeOf().latestQuotes(),
    latestBars: () => homeOf().latestBars(),
    locate: (asOf) => homeOf().locate(asOf),
    drainPoint: (...args) => homeOf().drainPoint(...args),
    readLog(streamClass, afterFs, maxBytes) {
      const key = `${streamClass} ${afterFs} ${maxBytes}`;
      const known = underWay.get(key);
      if (known !== undefined) return known;
      const read = homeOf().readLog(streamClass, afterFs, maxBytes);
      underWay.set(key, read);
      const forget = () => void underWay.delete(key);
      read.then(forget, forget);
      return read;
    },
  };
}
