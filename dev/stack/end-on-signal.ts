/**
 * Stops what was started when the program is asked to end, then ends it: Ctrl-C leaves no process
 * behind. A second signal ends it at once.
 */
export function endOnSignal(stop: () => Promise<void>): void {
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // exit handlers kill whatever is left of the runtime.
      if (asked) process.exit(130);
      asked = true;
      void stop().finally(() => process.exit(130));
    });
  }
}
