import { toIso } from "../src/domain/time.ts";
import { parseProbeOptions, type ProbeOptions, USAGE } from "./probe/options.ts";
import { PROBE_STEPS, probeStream } from "./probe/probe-stream.ts";

const EXIT_USAGE = 2;

function readOptions(): ProbeOptions | null {
  try {
    return parseProbeOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

/** Opens a deployment's stream once and says how long each step took. */
async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return EXIT_USAGE;
  const result = await probeStream(options);
  if (options.json) {
    console.log(JSON.stringify(result));
  } else {
    for (const step of PROBE_STEPS) {
      const ms = result.ms[step];
      console.log(`${step.padEnd(10)} ${ms === undefined ? "-" : `${ms.toFixed(1)} ms`}`);
    }
    if (result.market !== null) {
      const { state, nextDataByMs } = result.market;
      console.log(`market     ${state}, next data by ${toIso(nextDataByMs)}`);
    }
    console.log(result.ok ? "the stream works" : `the stream does not work: ${result.failure}`);
  }
  return result.ok ? 0 : 1;
}

process.exitCode = await main();
