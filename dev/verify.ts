import { parseVerifyOptions, USAGE, type VerifyOptions } from "./verify/options.ts";
import { exitCodeOf, tableOf, verifyDeployment } from "./verify/verify-deployment.ts";

const EXIT_USAGE = 2;

function readOptions(): VerifyOptions | null {
  try {
    return parseVerifyOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

/** Verifies a deployment's last session, or another one; the exit code says what came of it. */
async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return EXIT_USAGE;
  try {
    const verification = await verifyDeployment(options);
    if (options.json) console.log(JSON.stringify(verification));
    else for (const line of tableOf(verification)) console.log(line);
    return exitCodeOf(verification);
  } catch (error) {
    console.error(`verify: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_USAGE;
  }
}

process.exitCode = await main();
