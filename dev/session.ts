import { fileURLToPath } from "node:url";
import { parseSessionOptions, type SessionOptions, USAGE } from "./session/options.ts";
import { runSession } from "./session/run-session.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

function readOptions(): SessionOptions | null {
  try {
    return parseSessionOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

const options = readOptions();
if (options === null) {
  process.exitCode = 2;
} else {
  const report = await runSession(options, root, (line) => console.error(line));
  for (const fault of report.faults) console.error(`fault: ${fault}`);
  console.log(options.json ? JSON.stringify(report.line) : JSON.stringify(report.line, null, 2));
  process.exitCode = report.passed ? 0 : 1;
}
