import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleSize, sizeVerdict } from "./deploy/bundle-size.ts";
import { deployFaults, readFacts } from "./deploy/prerequisites.ts";
import { type DeployStep, runSteps } from "./deploy/run-steps.ts";
import { wranglerAccount } from "./deployment/cloudflare.ts";
import { deadLetterQueue } from "./deployment/required.ts";
import { runChild } from "./run-child.ts";

const EXIT_USAGE = 2;
const WRANGLER = "node_modules/wrangler/bin/wrangler.js";
/** What Cloudflare keeps of a version's message. */
const MAX_MESSAGE = 100;

const USAGE = `npm run deploy -- [options]
  --dry-run    check and bundle only; needs no account and changes nothing
needs: DATABASE_URL (the direct address of the database) and a login (npx wrangler login, or CLOUDFLARE_API_TOKEN)
exit code: 0 deployed, 1 a step failed, 2 usage, or something lacks`;

const root = fileURLToPath(new URL("..", import.meta.url));
const say = (line: string) => console.log(line);

function isDryRun(): boolean | null {
  try {
    const options = { "dry-run": { type: "boolean", default: false } } as const;
    return parseArgs({ options }).values["dry-run"];
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

/** The commit that is deployed, so that a version can be told from another; empty without git. */
function commitMessage(): string {
  try {
    const args = ["log", "-1", "--format=%h %s"];
    return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim().slice(0, MAX_MESSAGE);
  } catch {
    return "";
  }
}

const check: DeployStep = {
  name: "check",
  run: async () => (await runChild(["dev/check.ts"])).code,
  failed: "nothing was changed",
};

const bundle: DeployStep = {
  name: "bundle",
  run: async () => {
    const outDir = mkdtempSync(join(tmpdir(), "market-data-bundle-"));
    try {
      const { code } = await runChild([WRANGLER, "deploy", "--dry-run", `--outdir=${outDir}`]);
      if (code === 0) say(`deploy: the Worker is ${sizeVerdict(bundleSize(outDir))}`);
      return code;
    } finally {
      rmSync(outDir, { recursive: true, force: true });
    }
  },
  failed: "nothing was changed",
};

const migrate: DeployStep = {
  name: "migrate",
  run: async () => (await runChild(["dev/migrate.ts"])).code,
  failed:
    "the old version runs on; each migration is a transaction, so those before the failed one are applied, which it can bear",
};

const upload: DeployStep = {
  name: "wrangler deploy",
  run: async () => {
    const message = commitMessage();
    const args = message === "" ? [] : [`--message=${message}`];
    return (await runChild([WRANGLER, "deploy", ...args])).code;
  },
  failed:
    "the database is migrated, the old version runs on, which it can bear; run this again when the cause is gone",
};

/** Checks, bundles, migrates and deploys; up to the first of them that fails. */
async function main(): Promise<number> {
  const dryRun = isDryRun();
  if (dryRun === null) return EXIT_USAGE;
  if (dryRun) {
    const code = await runSteps([check, bundle], say);
    if (code === 0) say("deploy: dry run ok, nothing was changed");
    return code;
  }
  const queue = deadLetterQueue(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const faults = deployFaults(await readFacts(process.env, wranglerAccount(root), queue));
  if (faults.length > 0) {
    console.error("deploy: this lacks, and nothing was changed:");
    for (const fault of faults) console.error(`  - ${fault}`);
    console.error("docs/deploy.md says it step by step; --dry-run needs none of it");
    return EXIT_USAGE;
  }
  const code = await runSteps([check, bundle, migrate, upload], say);
  if (code === 0) say("deploy: done; next: npm run preflight -- --url https://… --key-env MDS_KEY");
  return code;
}

process.exitCode = await main();
