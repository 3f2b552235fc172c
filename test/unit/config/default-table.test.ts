import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import { MIN_VOLUME_BARS, VOLUME_SESSIONS } from "../../../src/domain/tier-places.ts";

const contract = readFileSync(
  `${process.env["MDS_SHARED"] ?? "../shared"}/contracts/http.md`,
  "utf8",
);
const DEFAULTS = serviceConfigSchema.parse({});

/** The rows of the contract's table of defaults. */
function tableRows(): (readonly [field: string, text: string])[] {
  const lines = contract.split("\n");
  const head = lines.indexOf("| field | default |");
  const rows = lines.slice(head + 2);
  return rows.slice(0, rows.indexOf("")).map((line) => {
    const [, field = "", text = ""] = line.split("|").map((cell) => cell.trim());
    return [field, text] as const;
  });
}

/** Field and default as they stand in the contract's table, and what the schema says of them. */
const KNOWN: readonly (readonly [field: string, text: string, expected: object])[] = [
  [
    "policies bars_1m · bars_1d · quotes_l1",
    "polygon, alpaca, finnhub · polygon, alpaca · polygon, iex",
    {
      policies: {
        bars_1m: ["polygon", "alpaca", "finnhub"],
        bars_1d: ["polygon", "alpaca"],
        quotes_l1: ["polygon", "iex"],
      },
    },
  ],
  [
    "breaker demote · promote · cooldown_s · window_calls · window_s · min_calls · run_of_failures",
    "0.55 · 0.70 · 30 (doubling to 600) · 20 · 600 · 5 · 5",
    {
      breaker: {
        demote: 0.55,
        promote: 0.7,
        cooldown_s: 30,
        max_cooldown_s: 600,
        window_calls: 20,
        window_s: 600,
        min_calls: 5,
        run_of_failures: 5,
      },
    },
  ],
  ["latency_cap_ms · timeout_ms", "500 · 5000", { latency_cap_ms: 500, timeout_ms: 5_000 }],
  [
    "poll_offset_s alpaca · polygon · iex · finnhub",
    "3 · 5 · 3 · 25",
    { poll_offset_s: { alpaca: 3, polygon: 5, iex: 3, finnhub: 25 } },
  ],
  [
    "settle_delay_s · overlap_minutes short / long",
    "90 · 3 / 21",
    { settle_delay_s: 90, overlap_minutes: { short: 3, long: 21 } },
  ],
  [
    "tiers T0 · T1 · T2",
    `top 500 by median dollar volume of ${VOLUME_SESSIONS} sessions (1m every 60 s, quotes every 15 s) · next 2,500 (1m) · the rest (1d); a symbol moves only when 10 % beyond the border; no daily bars yet: the universe duty loads ${VOLUME_SESSIONS} sessions of them first; fewer than ${MIN_VOLUME_BARS} = T2 unless pinned`,
    { tiers: { size: { T0: 500, T1: 2_500 }, border_share: 0.1 }, quote_every_s: 15 },
  ],
  [
    "backfill cap T0 · T1 · T2; attempts; back-off; lease_s; dlq_resend_s",
    "5,000 · 10,000 · 20,000; 5; 15 s x 2^n full jitter, max 15 min; 120; 300",
    {
      backfill: {
        cap: { T0: 5_000, T1: 10_000, T2: 20_000 },
        attempts: 5,
        backoff_s: 15,
        max_backoff_s: 900,
        lease_s: 120,
        dlq_resend_s: 300,
      },
    },
  ],
  [
    "job priority",
    "0-9, 0 first; default the tier's number; orders within a tier before age",
    { job_priority: { T0: 0, T1: 1, T2: 2 } },
  ],
  [
    "cold_start_sessions 1m · 1d; ops backfill depth_days",
    "5 · 250; 730",
    { cold_start_sessions: { "1m": 5, "1d": 250 }, backfill: { depth_days: 730 } },
  ],
  [
    "slo sample · every_s · targets T0 T1 T2",
    "200 · 30 · 0.5 % 2 % 5 %",
    { slo: { sample: 200, every_s: 30, targets: { T0: 0.005, T1: 0.02, T2: 0.05 } } },
  ],
  [
    "sessions; calendar_overrides",
    '["regular"]; [] (an ad-hoc closure announced tomorrow needs no deploy)',
    { sessions: ["regular"], calendar_overrides: [] },
  ],
  ["retention_days bars · quotes", "365 · 14", { retention_days: { bars: 365, quotes: 14 } }],
  // The limits of a socket are the protocol's: clients are built on them.
  ["stream limits, extra_hosts", "stream.md; 0", { stream: { extra_hosts: 0 } }],
];

describe("the defaults of the configuration", () => {
  it("are named row by row in the contract's table, and no row is left out", () => {
    expect(KNOWN.map(([field, text]) => [field, text])).toEqual(tableRows());
  });

  it.each(KNOWN)("are the contract's: %s", (_field, _text, expected) => {
    expect(DEFAULTS).toMatchObject(expected);
  });

  it("refuse a field that nobody knows, at any depth", () => {
    expect(serviceConfigSchema.safeParse({ breakers: {} }).success).toBe(false);
    expect(serviceConfigSchema.safeParse({ breaker: { demot: 0.5 } }).success).toBe(false);
  });
});
