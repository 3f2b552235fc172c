import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DEFAULT_PARAMETERS } from "./monitoring/alert-parameters.ts";
import { generatedFiles, ruleFile } from "./monitoring/generated-files.ts";

const USAGE = `npm run monitoring [-- options]: writes deploy/monitoring and docs/metrics.md from their templates
  --check           write nothing; fail when a file is not what would be written
  --rules           print the alert rules instead, with the options below
  --time-scale N    divide every window by N (1): a minute of 60 is a second
  --runbook-url U   where the runbooks are (${DEFAULT_PARAMETERS.runbookUrl})
  --grafana-url U   where Grafana is (links are relative to it)`;

const root = fileURLToPath(new URL("..", import.meta.url));

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function main(): number {
  const { values } = parseArgs({
    options: {
      check: { type: "boolean", default: false },
      rules: { type: "boolean", default: false },
      "time-scale": { type: "string", default: "1" },
      "runbook-url": { type: "string", default: DEFAULT_PARAMETERS.runbookUrl },
      "grafana-url": { type: "string", default: DEFAULT_PARAMETERS.grafanaUrl },
    },
  });
  const timeScale = Number(values["time-scale"]);
  if (!(timeScale > 0)) throw new RangeError("--time-scale must be a number above 0");
  if (values.rules) {
    const urls = { runbookUrl: values["runbook-url"], grafanaUrl: values["grafana-url"] };
    process.stdout.write(ruleFile({ ...DEFAULT_PARAMETERS, ...urls, timeScale }));
    return 0;
  }
  let stale = 0;
  for (const [path, text] of generatedFiles()) {
    const file = join(root, path);
    if (readOrNothing(file) === text) continue;
    stale += 1;
    console.log(`${values.check ? "not current" : "written"}: ${path}`);
    if (values.check) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return values.check && stale > 0 ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
