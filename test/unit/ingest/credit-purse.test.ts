import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  correctCredits,
  type Credits,
  returnCredits,
  takeCredits,
} from "../../../src/domain/credits.ts";
import { floorToMinute } from "../../../src/domain/time.ts";
import { CreditPurse } from "../../../src/ingest/credit-purse.ts";
import { answered, run, type Script, whole } from "../../support/scripted-job.ts";

const MINUTE_MS = 1_774_013_460_000;

/** A bucket with its verbs, on a clock that the test sets. */
class Bucket {
  nowMs = MINUTE_MS;
  credits: Credits | null = null;
  readonly perMinute: number;

  constructor(perMinute: number) {
    this.perMinute = perMinute;
  }

  purse(): CreditPurse {
    return new CreditPurse({
      provider: "polygon",
      lane: "live",
      now: () => this.nowMs,
      breaker: {
        takeCredits: async (wanted, lane) => {
          const ask = { wanted, lane, nowMs: this.nowMs, perMinute: this.perMinute };
          const taken = takeCredits(this.credits, ask);
          this.credits = taken.credits;
          return taken;
        },
        correctCredits: async (notice) => {
          this.credits = correctCredits(this.credits, notice, this.nowMs, this.perMinute);
        },
      },
    });
  }

  async close(purse: CreditPurse): Promise<void> {
    const { unspentCredits, rate } = await purse.close();
    this.credits = returnCredits(this.credits, unspentCredits);
    if (rate !== null)
      this.credits = correctCredits(this.credits, rate, this.nowMs, this.perMinute);
  }
}

const spent = (purse: CreditPurse) =>
  purse.spend().then(
    () => true,
    () => false,
  );

describe("the purse of a job", () => {
  it("spends nothing more after a rate limit, whatever it holds, and gives nothing back", async () => {
    const bucket = new Bucket(600);
    const purse = bucket.purse();
    for (let call = 0; call < 5; call += 1) expect(await spent(purse)).toBe(true);
    purse.hear({ status: 429, headers: {} });
    expect(await spent(purse)).toBe(false);
    expect(await purse.close()).toMatchObject({
      unspentCredits: 0,
      rate: { remaining: 0, resetMs: MINUTE_MS + 60_000 },
    });
  });

  it("tells the bucket of a rate limit at once: the next job takes nothing before the reset", async () => {
    const bucket = new Bucket(600);
    const purse = bucket.purse();
    await purse.spend();
    purse.hear({ status: 429, headers: { "retry-after": "20" } });
    bucket.nowMs += 19_999;
    expect(await spent(bucket.purse())).toBe(false);
    bucket.nowMs += 101;
    expect(await spent(bucket.purse())).toBe(true);
  });

  it("reports the smallest remainder of a window, in whatever order the answers came", async () => {
    const purse = new Bucket(600).purse();
    const reset = String((MINUTE_MS + 60_000) / 1_000);
    for (const remaining of ["9", "7", "8"]) {
      purse.hear({
        status: 200,
        headers: { "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset },
      });
    }
    expect((await purse.close()).rate?.remaining).toBe(7);
  });

  it("is closed well when the bucket could not be told", async () => {
    const purse = new CreditPurse({
      provider: "polygon",
      lane: "live",
      now: () => MINUTE_MS,
      breaker: {
        takeCredits: async () => ({ granted: 1, waitMs: 0 }),
        correctCredits: () => Promise.reject(new Error("overloaded")),
      },
    });
    purse.hear({ status: 429, headers: {} });
    expect((await purse.close()).rate?.remaining).toBe(0);
  });
});

describe("jobs at a provider with a quota by the calendar minute", () => {
  const jobs = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 20_000 }),
      calls: fc.integer({ min: 1, max: 20 }),
    }),
    { minLength: 1, maxLength: 40 },
  );

  it.each([
    ["that names it in headers", true, 0],
    ["that says nothing but 429", false, 1],
  ])("%s get at most %s %i refusals a minute", async (_name, hasHeaders, refusalsAMinute) => {
    await fc.assert(
      fc.asyncProperty(jobs, fc.integer({ min: 1, max: 30 }), async (list, quota) => {
        const bucket = new Bucket(quota);
        const used = new Map<number, number>();
        const refused = new Map<number, number>();
        for (const { waitMs, calls } of list) {
          bucket.nowMs += waitMs;
          const minuteMs = floorToMinute(bucket.nowMs);
          const purse = bucket.purse();
          for (let call = 0; call < calls && (await spent(purse)); call += 1) {
            const before = used.get(minuteMs) ?? 0;
            used.set(minuteMs, before + 1);
            const isRefused = before >= quota;
            if (isRefused) refused.set(minuteMs, (refused.get(minuteMs) ?? 0) + 1);
            purse.hear({
              status: isRefused ? 429 : 200,
              headers: hasHeaders
                ? {
                    "x-ratelimit-remaining": String(Math.max(quota - before - 1, 0)),
                    "x-ratelimit-reset": String((minuteMs + 60_000) / 1_000),
                  }
                : {},
            });
          }
          await bucket.close(purse);
        }
        for (const count of refused.values()) expect(count).toBeLessThanOrEqual(refusalsAMinute);
      }),
    );
  });
});

describe("jobs that run side by side at a provider with the quota of their plan", () => {
  const rounds = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 20_000 }),
      jobs: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 20 },
  );

  it.each([
    ["that names it in headers", true],
    ["that says nothing but 429", false],
  ])("%s make at most its calls, and one more a reset", async (_name, hasHeaders) => {
    await fc.assert(
      fc.asyncProperty(rounds, fc.integer({ min: 1, max: 30 }), async (list, quota) => {
        const bucket = new Bucket(quota);
        const requests = new Map<number, number>();
        for (const { waitMs, jobs } of list) {
          bucket.nowMs += waitMs;
          const minuteMs = floorToMinute(bucket.nowMs);
          const call = async (purse: CreditPurse) => {
            const before = requests.get(minuteMs) ?? 0;
            requests.set(minuteMs, before + 1);
            // The answer comes after the others have asked, as over a network.
            await Promise.resolve();
            purse.hear({
              status: before >= quota ? 429 : 200,
              headers: hasHeaders
                ? {
                    "x-ratelimit-remaining": String(Math.max(quota - before - 1, 0)),
                    "x-ratelimit-reset": String((minuteMs + 60_000) / 1_000),
                  }
                : {},
            });
          };
          const run = async (calls: number) => {
            const purse = bucket.purse();
            const worker = async () => {
              for (let made = 0; made < calls && (await spent(purse)); made += 1) await call(purse);
            };
            await Promise.all([worker(), worker(), worker()]);
            await bucket.close(purse);
          };
          await Promise.all(jobs.map(run));
        }
        for (const count of requests.values()) expect(count).toBeLessThanOrEqual(quota + 1);
      }),
    );
  });
});

describe("the lane and the report of a job", () => {
  it.each(["live", "T0", "T2"] as const)("are those of the fetch: %s", async (lane) => {
    const oneCall: Script = async (request, deps) => {
      await deps.spend();
      return answered(request, request.symbols);
    };
    const { lanes } = await run({ alpaca: oneCall }, { job: { lane } });
    expect(lanes).toEqual([lane]);
  });

  it("say what the headers said, and tell a rate limit before the job has ended", async () => {
    const limited: Script = async (request, deps) => {
      await deps.spend();
      await deps.get("https://provider.test", { headers: {}, timeoutMs: 1 });
      return answered(request, [], "rate_limited");
    };
    const get = async () => ({ status: 429, headers: { "retry-after": "9" }, body: "" });
    const { notices, reports, decision } = await run(
      { polygon: limited, alpaca: whole },
      { deps: { get } },
    );
    expect(notices).toMatchObject([{ remaining: 0 }]);
    expect(reports[0]).toMatchObject({ provider: "polygon", report: { rate: { remaining: 0 } } });
    expect(decision.candidates.map(({ verdict, failure }) => [verdict, failure])).toEqual([
      ["called", "rate_limited"],
      ["called", null],
    ]);
  });

  it("say what the answer showed of the key's rights", async () => {
    const calls = [
      { provider: "polygon", endpoint: "aggs", code: "not_entitled", durationMs: 0 } as const,
    ];
    const { reports } = await run({
      polygon: (request) => answered(request, [], "not_entitled", { calls }),
      alpaca: whole,
    });
    expect(reports.map(({ report }) => report.entitlement?.state)).toEqual([
      "not_entitled",
      "granted",
    ]);
  });
});
