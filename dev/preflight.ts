import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask } from "./deployment/ask.ts";
import { accountOf } from "./deployment/cloudflare.ts";
import { parsePreflightOptions, type PreflightOptions, USAGE } from "./preflight/options.ts";
import { linesOf, runChecks } from "./preflight/run-checks.ts";
import type { RepositoryPort, World } from "./preflight/world.ts";
import { probeStream } from "./probe/probe-stream.ts";

const EXIT_USAGE = 2;
const PROBE = { symbol: "SPY", timeoutMs: 10_000 } as const;

const root = fileURLToPath(new URL("..", import.meta.url));

const repository: RepositoryPort = {
  read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : null),
  list: (path) => (existsSync(join(root, path)) ? readdirSync(join(root, path)) : []),
};

function readOptions(): PreflightOptions | null {
  try {
    return parsePreflightOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

async function worldOf(options: PreflightOptions): Promise<World> {
  const { url, key, prometheus, grafana, grafanaToken } = options;
  const get = (path: string) => ask(`${url}${path}`, { authorization: `Bearer ${key}` });
  const grafanaHeaders: Record<string, string> =
    grafanaToken === null ? {} : { authorization: `Bearer ${grafanaToken}` };
  return {
    deployment: { get, probe: () => probeStream({ url, key, ...PROBE }), host: new URL(url).host },
    readiness: await get("/health/ready"),
    cloudflare: accountOf(root, url),
    repository,
    prometheus: prometheus === null ? null : (path) => ask(`${prometheus}${path}`, {}),
    grafana: grafana === null ? null : (path) => ask(`${grafana}${path}`, grafanaHeaders),
    nowMs: () => Date.now(),
  };
}

/** Runs the production checklist against a deployment. */
async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return EXIT_USAGE;
  const preflight = await runChecks(await worldOf(options));
  if (options.json) console.log(JSON.stringify(preflight));
  else for (const line of linesOf(preflight)) console.log(line);
  return preflight.counts.fail > 0 ? 1 : 0;
}

process.exitCode = await main();
