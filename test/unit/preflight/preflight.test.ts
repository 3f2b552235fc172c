import { describe, expect, it } from "vitest";
import { type Answer, ask, faultOf, problemCode } from "../../../dev/deployment/ask.ts";
import { alertNames } from "../../../dev/preflight/monitoring-checks.ts";
import { parsePreflightOptions } from "../../../dev/preflight/options.ts";
import { CHECKLIST, linesOf, runChecks } from "../../../dev/preflight/run-checks.ts";
import type { World } from "../../../dev/preflight/world.ts";

const NOW = Date.parse("2026-11-20T15:00:00Z");
const answer = (body: unknown, status = 200): Answer => ({ kind: "answer", status, body });
const problem = (status: number, code: string, detail = "it is so") =>
  answer({ status, code, detail }, status);
const SILENT: Answer = { kind: "silent", why: "fetch failed (ECONNREFUSED)" };

const READINESS = {
  ready: true,
  reasons: [],
  warnings: [],
  database: { migration: "0023_minute_index" },
  cron: { last_tick_at: "2026-11-20T14:59:30Z" },
};
const SLO = {
  at: "2026-11-20T15:00:00Z",
  state: "measured",
  reason: null,
  next_sample_at: "2026-11-20T15:00:20Z",
  samples: [{ at: "2026-11-20T14:59:50Z" }],
};
const ROUTES: Record<string, Answer> = {
  "/health": answer({ status: "ok", version: "0.1.0" }),
  "/ops/slo?samples=1": answer(SLO),
  "/ops/dlq/backfills?limit=1": answer({ letters: [] }),
  "/ops/dlq/stats": answer({ total: 0 }),
  "/ops/traces": problem(404, "tracing_off"),
  "/ops/config": answer({ version: 3 }),
  "/ops/keys": answer({ keys: [{ role: "read" }, { role: "metrics" }] }),
};
const FILES: Record<string, string> = {
  "package.json": JSON.stringify({ version: "0.1.0" }),
  "wrangler.toml": '[[queues.producers]]\nbinding = "B"\nqueue = "backfill-dlq"\n',
  "docs/performance.md": "npm run bench -- write",
  "docs/deploy.md": "# Deploy\n\n## Roll back\n\nSo.",
  "deploy/monitoring/alerts-slo.yaml": "groups:\n- rules:\n  - alert: SLOUnknown\n    expr: x\n",
  "deploy/monitoring/grafana/a.json": JSON.stringify({ title: "Ingestion", uid: "ing" }),
};
const PROMETHEUS: Record<string, Answer> = {
  "/api/v1/targets?state=active": answer({
    data: {
      activeTargets: [
        {
          scrapeUrl: "https://mds.test/metrics",
          health: "up",
          lastError: "",
          lastScrape: "2026-11-20T14:59:45Z",
        },
      ],
    },
  }),
  "/api/v1/rules?type=alert": answer({
    data: { groups: [{ rules: [{ type: "alerting", name: "SLOUnknown" }] }] },
  }),
};
const probed = {
  ok: true,
  ms: { open: 1, hello: 2, subscribed: 3, pong: 1 },
  market: null,
  failure: null,
};

interface Deviation {
  readonly routes?: Record<string, Answer>;
  readonly files?: Record<string, string | null>;
  readonly readiness?: Answer;
  readonly prometheus?: Record<string, Answer> | null;
  readonly grafana?: Answer | null;
  readonly world?: Partial<World>;
}

/** A deployment of which all is well, but for what a test says. */
function world(deviation: Deviation = {}): World {
  const routes = { ...ROUTES, ...deviation.routes };
  const files = { ...FILES, ...deviation.files };
  const { prometheus = PROMETHEUS, grafana = answer([{ uid: "ing" }]) } = deviation;
  return {
    deployment: {
      get: async (path) => routes[path] ?? problem(404, "not_found"),
      probe: async () => probed,
      host: "mds.test",
    },
    readiness: deviation.readiness ?? answer(READINESS),
    cloudflare: {
      isLoggedIn: async () => true,
      secrets: async () => ({
        known: true,
        value: ["DATABASE_URL", "BOOTSTRAP_KEY", "FINNHUB_TOKEN"],
      }),
      queue: async () => ({ known: true, value: "Number of Consumers: 1" }),
    },
    repository: {
      read: (path) => files[path] ?? null,
      list: (path) =>
        path === "migrations"
          ? ["0001_bars.sql", "0023_minute_index.sql", "timescale"]
          : Object.keys(files)
              .filter((name) => name.startsWith(`${path}/`) && files[name] !== null)
              .map((name) => name.slice(path.length + 1)),
    },
    prometheus:
      prometheus === null ? null : async (path) => prometheus[path] ?? problem(404, "not_found"),
    grafana: grafana === null ? null : async () => grafana,
    nowMs: () => NOW,
    ...deviation.world,
  };
}

/** State and reason of every check that is not ok. */
async function found(deviation: Deviation = {}) {
  const { checks } = await runChecks(world(deviation));
  return Object.fromEntries(
    checks
      .filter(({ state }) => state !== "ok")
      .map(({ name, state, reason }) => [name, `${state}: ${reason}`]),
  );
}

/** CI alone knows of tests. */
const ALWAYS = {
  tests: "unknown: CI runs .ci/run for each commit; nothing of it can be seen from here",
};

describe("the production checklist", () => {
  it("finds nothing where nothing is wrong, and says each thing once", async () => {
    expect(await found()).toEqual(ALWAYS);
    const names = CHECKLIST.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const preflight = await runChecks(world());
    expect(preflight.counts).toEqual({ ok: names.length - 1, warn: 0, fail: 0, unknown: 1 });
    expect(linesOf(preflight).at(-1)).toBe(`${names.length - 1} ok, 0 warn, 0 fail, 1 unknown`);
  });

  it.each<[string, Deviation, string, string]>([
    [
      "a dead deployment",
      { routes: { "/health": SILENT } },
      "reachable",
      "fail: no answer: fetch failed (ECONNREFUSED)",
    ],
    [
      "another release",
      { files: { "package.json": '{"version":"0.2.0"}' } },
      "reachable",
      "warn: it runs 0.1.0, this checkout is 0.2.0",
    ],
    [
      "a refused key",
      { readiness: problem(401, "unauthorized") },
      "variables and secrets",
      "fail: the key is refused",
    ],
    [
      "a missing variable",
      { readiness: problem(503, "not_configured", "variable DATABASE_URL is missing") },
      "variables and secrets",
      "fail: HTTP 503: variable DATABASE_URL is missing",
    ],
    [
      "an old database",
      { readiness: answer({ ...READINESS, database: { migration: "0001_bars" } }) },
      "database migrations",
      "fail: 0001_bars; this checkout has 0023_minute_index",
    ],
    [
      "no database",
      {
        readiness: answer(
          {
            ...READINESS,
            ready: false,
            reasons: ["database: away"],
            database: { migration: null },
          },
          503,
        ),
      },
      "ready",
      "fail: database: away",
    ],
    [
      "a warning",
      { readiness: answer({ ...READINESS, warnings: ["policy bars_1m is unserved"] }) },
      "ready",
      "warn: policy bars_1m is unserved",
    ],
    [
      "a silent cron",
      { readiness: answer({ ...READINESS, cron: { last_tick_at: "2026-11-20T14:50:00Z" } }) },
      "cron",
      "fail: the last tick is 600 s old",
    ],
    [
      "no cron yet",
      { readiness: answer({ ...READINESS, cron: { last_tick_at: null } }) },
      "cron",
      "warn: no tick has come yet",
    ],
    [
      "a late monitor",
      { routes: { "/ops/slo?samples=1": answer({ ...SLO, at: "2026-11-20T15:10:00Z" }) } },
      "SLO monitor",
      "fail: the next sample is 580 s late",
    ],
    [
      "a blind monitor",
      {
        routes: { "/ops/slo?samples=1": answer({ ...SLO, state: "unknown", reason: "Postgres" }) },
      },
      "SLO monitor",
      "fail: it can't measure: Postgres",
    ],
    [
      "dead letters",
      { routes: { "/ops/dlq/stats": answer({ total: 2 }) } },
      "dead letter routes",
      "warn: 2 letters are dead",
    ],
    [
      "dead letter routes that fail",
      { routes: { "/ops/dlq/stats": problem(503, "unavailable") } },
      "dead letter routes",
      "fail: HTTP 503: it is so",
    ],
    [
      "tracing",
      { routes: { "/ops/traces": answer({ traces: [] }) } },
      "tracing is off",
      "fail: TRACE_ENABLED is true",
    ],
    [
      "only the bootstrap key",
      { routes: { "/ops/keys": answer({ keys: [] }) } },
      "keys",
      "warn: no key of role read and metrics",
    ],
    [
      "nobody who scrapes",
      {
        prometheus: {
          ...PROMETHEUS,
          "/api/v1/targets?state=active": answer({ data: { activeTargets: [] } }),
        },
      },
      "Prometheus scrapes",
      "fail: no target scrapes mds.test",
    ],
    [
      "rules that are not loaded",
      {
        prometheus: { ...PROMETHEUS, "/api/v1/rules?type=alert": answer({ data: { groups: [] } }) },
      },
      "alerts",
      "fail: not loaded: SLOUnknown",
    ],
    [
      "no dashboards in Grafana",
      { grafana: answer([]) },
      "dashboards",
      "fail: not imported: Ingestion",
    ],
    [
      "no rollback plan",
      { files: { "docs/deploy.md": "# Deploy" } },
      "rollback plan",
      "fail: docs/deploy.md has no section Roll back",
    ],
    [
      "no figures",
      { files: { "docs/performance.md": null } },
      "load test",
      "fail: docs/performance.md has no figures",
    ],
  ])("sees %s", async (_, deviation, name, says) => {
    expect((await found(deviation))[name]).toBe(says);
  });

  it("says unknown, and not fail, of what this release or this place can't show", async () => {
    const logout = { known: false, why: "wrangler is not logged in" } as const;
    const states = await found({
      routes: {
        "/ops/traces": problem(404, "not_found"),
        "/ops/config": problem(501, "not_implemented"),
        "/ops/keys": problem(404, "not_found"),
      },
      readiness: answer({ ready: true, reasons: [], warnings: [] }),
      files: {
        "deploy/monitoring/alerts-slo.yaml": null,
        "deploy/monitoring/grafana/a.json": null,
      },
      prometheus: null,
      grafana: null,
      world: {
        cloudflare: {
          isLoggedIn: async () => false,
          secrets: async () => logout,
          queue: async () => logout,
        },
      },
    });
    expect(Object.keys(states).toSorted()).toEqual([
      "Prometheus scrapes",
      "alerts",
      "configuration",
      "cron",
      "dashboards",
      "database migrations",
      "dead letter queue",
      "keys",
      "secrets at Cloudflare",
      "tests",
      "tracing is off",
    ]);
    for (const [name, says] of Object.entries(states)) expect(says, name).toMatch(/^unknown: /);
  });

  it("sees what lacks in the account", async () => {
    const cloudflare = {
      isLoggedIn: async () => true,
      secrets: async () => ({ known: true, value: ["DATABASE_URL"] }) as const,
      queue: async () => ({ known: true, value: "Number of Consumers: 0" }) as const,
    };
    expect(await found({ world: { cloudflare } })).toMatchObject({
      "secrets at Cloudflare": "fail: missing: BOOTSTRAP_KEY",
      "dead letter queue": "fail: nothing reads it: letters are lost after 14 days",
    });
    const noQueue = async () => ({ known: false, why: "no such queue" }) as const;
    const without = await found({ world: { cloudflare: { ...cloudflare, queue: noQueue } } });
    expect(without["dead letter queue"]).toBe("fail: no such queue");
  });

  it("goes on when a check itself breaks", async () => {
    const get = async () => Promise.reject(new Error("a bug"));
    const deployment = { ...world().deployment, get };
    const states = await found({ world: { deployment } });
    expect(states["reachable"]).toBe("unknown: the check itself broke: a bug");
    expect(states["cron"]).toBeUndefined();
  });
});

describe("its parts", () => {
  it("read the alerts of a rules file", () => {
    expect(
      alertNames('- alert: A\n  - alert: B1\n# alert: C\n    alert: "D"\n  expr: alert\n'),
    ).toEqual(["A", "B1", "D"]);
  });

  it("ask without ever failing, and say what went wrong in a few words", async () => {
    const says = (response: Response) => async () => response;
    const refused = Response.json(
      { code: "unauthorized", detail: "a key is required" },
      { status: 401 },
    );
    const asked = await ask("https://mds.test/x", {}, says(refused));
    expect([problemCode(asked), faultOf(asked)]).toEqual([
      "unauthorized",
      "HTTP 401: a key is required",
    ]);
    const html = await ask(
      "https://mds.test/x",
      {},
      says(new Response("<h1>1101</h1>", { status: 500 })),
    );
    expect([problemCode(html), faultOf(html)]).toEqual([null, "HTTP 500: <h1>1101</h1>"]);
    const silent = await ask("https://mds.test/x", {}, async () => {
      throw new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") });
    });
    expect(faultOf(silent)).toBe("no answer: fetch failed (ECONNREFUSED)");
  });

  it("read the command line, and take no key from it", () => {
    const env = { MDS_KEY: "k", GRAFANA_TOKEN: "t" };
    const base = ["--url", "https://mds.test/", "--key-env", "MDS_KEY"];
    expect(parsePreflightOptions(base, env)).toEqual({
      url: "https://mds.test",
      key: "k",
      prometheus: null,
      grafana: null,
      grafanaToken: null,
      json: false,
    });
    const all = [
      ...base,
      "--prometheus",
      "http://p:9090/",
      "--grafana",
      "http://g",
      "--grafana-env",
      "GRAFANA_TOKEN",
    ];
    expect(parsePreflightOptions(all, env)).toMatchObject({
      prometheus: "http://p:9090",
      grafanaToken: "t",
    });
    expect(() => parsePreflightOptions([...base, "--prometheus", "p:9090"], env)).toThrow(
      "--prometheus",
    );
    expect(() => parsePreflightOptions([...base, "--grafana-env", "NO"], env)).toThrow(
      "--grafana-env",
    );
  });
});
