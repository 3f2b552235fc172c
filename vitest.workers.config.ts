import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const TEST_TIMEOUT_MS = 30_000;

/** Tests that run inside workerd, with the bindings and classes of wrangler.toml. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" }, verbose: false })],
  test: {
    name: "workers",
    include: ["test/workers/**/*.worker.test.ts"],
    maxWorkers: 1,
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
