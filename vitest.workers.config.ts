import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

declare module "vitest" {
  export interface ProvidedContext {
    /** See test/workers/backfill-storm.worker.test.ts. */
    stormSymbols: number;
    /** See test/workers/fuzz.worker.test.ts. */
    fuzzFrames: number;
  }
}

const TEST_TIMEOUT_MS = 30_000;

/** A configured deployment whose database and providers exist only as hosts that tests answer for. */
const BINDINGS = {
  ENVIRONMENT: "development",
  DATABASE_URL: "postgres://u:database-password-0123456789@db.test/x",
  DATABASE_SQL_ENDPOINT: "http://db.test/sql",
  BOOTSTRAP_KEY: "test-bootstrap-key-0123456789",
  ALPACA_PLAN: "plus",
  ALPACA_KEY_ID: "alpaca-key-id-0123456789",
  ALPACA_SECRET_KEY: "alpaca-secret-0123456789",
  ALPACA_BASE_URL: "http://alpaca.test",
  POLYGON_PLAN: "advanced",
  POLYGON_API_KEY: "polygon-key-0123456789",
  POLYGON_BASE_URL: "http://polygon.test",
  POLICY_BARS_1M: '["alpaca","polygon"]',
  COLD_START_SESSIONS_1M: "0",
  COLD_START_SESSIONS_1D: "10",
};

/** Tests that run inside workerd, with the bindings and classes of wrangler.toml. */
export default defineConfig({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: { bindings: BINDINGS },
      verbose: false,
    }),
  ],
  test: {
    name: "workers",
    // 3,000 symbols with 20 holes each are the storm of 60,000: too long for every run.
    provide: {
      stormSymbols: Number(process.env["STORM_SYMBOLS"] ?? 780),
      fuzzFrames: Number(process.env["FUZZ_FRAMES"] ?? 2_000),
    },
    include: ["test/workers/**/*.worker.test.ts"],
    // As many as the machine that CI has: most of the time of a file goes into loading it.
    maxWorkers: 2,
    allowOnly: false,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    // itty-durable ships code that workerd cannot load unbundled.
    deps: { optimizer: { ssr: { enabled: true, include: ["itty-durable"] } } },
    coverage: {
      provider: "istanbul",
      include: ["src/**/*.ts", "durable-objects/**/*.ts"],
      reporter: ["text-summary", "json"],
    },
  },
});
