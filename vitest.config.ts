import { defineConfig } from "vitest/config";

const E2E_TIMEOUT_MS = 300_000;
const PG_TIMEOUT_MS = 120_000;
/** Property tests and sandboxes beside other work: a time-out says that a test hangs, not that it is slow. */
const UNIT_TIMEOUT_MS = 30_000;

/** Files of one process share the code that V8 has made of the embedded database. */
const ONE_PROCESS = { pool: "threads", isolate: false } as const;

/** Tests that run in Node. Run one kind with `vitest run --project unit`. */
export default defineConfig({
  test: {
    // One tier at a time on a small machine; more files at once only make timings unfair.
    maxWorkers: 2,
    allowOnly: false,
    coverage: {
      provider: "istanbul",
      include: ["src/**/*.ts", "durable-objects/**/*.ts"],
      reporter: ["text-summary", "json"],
    },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/tidy.test.ts"],
          // Two thirds of the time went into loading the same modules for each file.
          isolate: false,
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: "pg",
          include: ["test/pg/**/*.pg.test.ts"],
          exclude: ["test/pg/timescale/**"],
          ...ONE_PROCESS,
          provide: { storageProfile: "plain" },
          globalSetup: ["test/support/database-snapshot.ts"],
          testTimeout: PG_TIMEOUT_MS,
          hookTimeout: PG_TIMEOUT_MS,
        },
      },
      {
        test: {
          // The same files on the other storage profile, and what only that one has.
          name: "pg-timescale",
          include: ["test/pg/**/*.pg.test.ts"],
          ...ONE_PROCESS,
          provide: { storageProfile: "timescale" },
          globalSetup: ["test/support/database-snapshot.ts"],
          testTimeout: PG_TIMEOUT_MS,
          hookTimeout: PG_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/*.e2e.test.ts"],
          // Each file starts a whole stack of its own, which keeps about one core busy.
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
        },
      },
      {
        test: {
          // Chaos, many days and a real Prometheus: CI runs them.
          name: "e2e-long",
          include: ["test/e2e/long/*.e2e.test.ts"],
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/*.browser.test.ts"],
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
        },
      },
    ],
  },
});
