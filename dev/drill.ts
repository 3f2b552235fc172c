import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SLO_ALERTS } from "./monitoring/alert-parameters.ts";
import { runDrill } from "./drill/run-drill.ts";

const USAGE = `npm run ops:drill [-- options]: makes each alert's condition true on a local stack and sees it fire and end
  --json        one line of JSON
  --only TEXT   only the scenarios whose name has it; commas between several
It needs prometheus on the PATH (Debian: prometheus).`;

const root = fileURLToPath(new URL("..", import.meta.url));

function readOptions(): { json: boolean; only: string | null } | null {
  try {
    const { values } = parseArgs({
      options: { json: { type: "boolean", default: false }, only: { type: "string" } },
    });
    return { json: values.json, only: values.only ?? null };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

const options = readOptions();
if (options === null) {
  process.exitCode = 2;
} else {
  try {
    const report = await runDrill(root, options.only, (line) => console.error(line));
    for (const fault of report.faults) console.error(`fault: ${fault}`);
    console.log(options.json ? JSON.stringify(report) : JSON.stringify(report, null, 2));
    const wanted = options.only === null ? SLO_ALERTS.length : report.alerts.length;
    const all = report.fired === wanted && report.resolved === wanted;
    process.exitCode = all && report.faults.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
