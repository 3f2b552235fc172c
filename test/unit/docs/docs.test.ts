import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { alertNames } from "../../../dev/preflight/monitoring-checks.ts";
import {
  anchorsOf,
  curlCall,
  curls,
  type ShownCall,
  shownCalls,
  shownCommands,
  shownLinks,
} from "../../support/read-docs.ts";
import { readTree, ROOT, sourceFile, type SourceFile } from "../../support/source-tree.ts";

const docs: readonly SourceFile[] = [
  ...readTree(["docs"], [".md"]),
  ...readTree(["src/providers"], ["README.md"]),
  sourceFile("README.md", readFileSync(join(ROOT, "README.md"), "utf8")),
];
const named = (path: string) => docs.find((file) => file.path === path)?.text ?? "";

/** Routes of the contract that a release may not have yet; the documents say so where they name them. */
const IN_CONTRACT = ["GET /console"];
const RULES_FILE = "deploy/monitoring/alerts-slo.yaml";
/** The 11 alerts of the service levels, and what is told beside them. */
const ALERTS = [
  "SLOGapViolationHighT0",
  "SLOGapViolationHighT1",
  "SLOGapViolationHighT2",
  "BackfillOldestTooOldT0",
  "BackfillQueueDepthHigh",
  "ProviderCircuitOpen",
  "ProviderErrorRateHigh",
  "IngestionLagHigh",
  "DBWriteLatencyHigh",
  "WSPublishLatencyHigh",
  "MarketDataServiceDown",
  "SLOUnknown",
  "MetricsHubStale",
  "ProviderIsolated",
];

/** The app is typed for the Worker, this reads files: the two meet here by name only. */
async function routesOfApp(): Promise<string[]> {
  const file = "../../../src/api/app.ts";
  const app: unknown = await import(file);
  const routesSchema = z.object({
    routes: z.array(z.object({ method: z.string(), path: z.string() })),
  });
  const verb = z.custom<() => unknown>((value) => typeof value === "function");
  const { createApp } = z.object({ createApp: verb }).parse(app);
  return routesSchema
    .parse(createApp())
    .routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
}

let routes: string[] = [];
beforeAll(async () => {
  routes = await routesOfApp();
});

/** Whether a call is one of a list of routes; a part that is written as a name of its own fits any. */
function isRoute({ method, path }: ShownCall, known: readonly string[]): boolean {
  const parts = bare(path).split("/");
  return known.some((route) => {
    const [routeMethod = "", routePath = ""] = route.split(" ");
    const routeParts = routePath.split("/");
    return (
      method === routeMethod &&
      routeParts.length === parts.length &&
      routeParts.every((part, index) => part.startsWith(":") || part === parts[index])
    );
  });
}

/** The path of a call without its query, and without the mark that ends a sentence. */
function bare(path: string): string {
  return (path.split("?")[0] ?? "").replace(/[.,;:)]+$/, "");
}

describe("the documents", () => {
  it("name only routes that the service has, or that its contract has", () => {
    const calls = docs.flatMap((file) =>
      shownCalls(file.text).map((call) => ({ file: file.path, ...call })),
    );
    expect(calls.length).toBeGreaterThan(100);
    const wrong = calls.filter((call) => !isRoute(call, [...routes, ...IN_CONTRACT]));
    expect(wrong).toEqual([]);
    expect(isRoute({ method: "GET", path: "/ops/nothing" }, routes)).toBe(false);
    expect(isRoute({ method: "POST", path: "/ops/slo" }, routes)).toBe(false);
    expect(isRoute({ method: "GET", path: "/providers/polygon?decisions=3" }, routes)).toBe(true);
  });

  it("show no curl that asks something else", () => {
    const lines = docs.flatMap(({ path, text }) => curls(text).map((line) => `${path}: ${line}`));
    expect(lines.length).toBeGreaterThan(40);
    expect(lines.filter((line) => curlCall(line) === null)).toEqual([]);
  });

  it("put no key where it is seen: into an address or an argument", () => {
    for (const { path, text } of docs) {
      for (const line of curls(text)) expect(line, path).not.toMatch(/[?&](key|token)=|Bearer/i);
    }
  });

  it("link to files and headings that are there", () => {
    const links = docs.flatMap((file) =>
      shownLinks(file.text).map((link) => ({ from: file.path, ...link })),
    );
    expect(links.length).toBeGreaterThan(40);
    const broken = links.filter(({ from, file, anchor }) => {
      const target = file === "" ? from : posix.join(posix.dirname(from), file);
      if (!existsSync(join(ROOT, target))) return true;
      if (anchor === null) return false;
      return !anchorsOf(readFileSync(join(ROOT, target), "utf8")).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("name only commands of package.json", () => {
    const text = readFileSync(join(ROOT, "package.json"), "utf8");
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(text));
    const commands = docs.flatMap(({ text: body }) => shownCommands(body));
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
    expect(commands).toEqual(expect.arrayContaining(["deploy", "preflight", "probe", "migrate"]));
  });

  it("begin with what the providers' terms forbid, on the first screen", () => {
    for (const { path, text } of docs.filter((file) => file.path.startsWith("docs/"))) {
      const first = text.split("\n").slice(0, 6).join(" ");
      expect(first, path).toMatch(/forbid (?:> )?redistribution/);
    }
    expect(named("README.md").split("\n").slice(0, 6).join(" ")).toContain("redistribution");
  });

  it("are all reached from the index", () => {
    const linked = new Set(shownLinks(named("docs/index.md")).map(({ file }) => `docs/${file}`));
    const others = docs.map(({ path }) => path).filter((path) => /^docs\/(?!index)/.test(path));
    expect(others.filter((path) => !linked.has(path))).toEqual([]);
  });
});

describe("docs/operate.md", () => {
  const sections = new Map(
    named("docs/operate.md")
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.split("\n")[0] ?? "", section] as const),
  );

  it("has a section for each alert: meaning, first look, what helps, its end, escalation", () => {
    for (const alert of ALERTS) {
      const section = sections.get(alert) ?? "";
      for (const part of ["**Means.**", "**First look.**", "**Over when**", "**Escalate"])
        expect(section, `${alert} ${part}`).toContain(part);
      expect(section, alert).toMatch(/\*\*What helps\.\*\*|what helps/);
      expect(curls(section).length, alert).toBeGreaterThan(0);
    }
  });

  it("has one for every alert of the rules", () => {
    const file = join(ROOT, RULES_FILE);
    if (!existsSync(file)) return;
    const alerts = alertNames(readFileSync(file, "utf8"));
    expect(alerts.length).toBeGreaterThanOrEqual(11);
    expect(alerts.filter((alert) => !sections.has(alert))).toEqual([]);
  });
});

describe("what the documents are read with", () => {
  it("finds calls in prose and in commands", () => {
    const text =
      "Ask `GET /a?x=1` or `GET · PUT /b/{id}`.\n```\ncurl -s -X POST \"$MDS/c\" --data '{}'\ncurl https://mds.example.com/d\n```\n";
    expect(shownCalls(text)).toEqual([
      { method: "GET", path: "/a?x=1" },
      { method: "GET", path: "/b/{id}" },
      { method: "PUT", path: "/b/{id}" },
      { method: "POST", path: "/c" },
      { method: "GET", path: "/d" },
    ]);
    expect(curlCall("curl --data '{}' $MDS/e")).toEqual({ method: "POST", path: "/e" });
    expect(curlCall("curl ftp://x/y")).toBeNull();
  });

  it("finds links and anchors, and none of them in code", () => {
    const text =
      '# A thing, or `two`!\n[x](a.md#b) [y](https://x.y) [z](#here)\n```\n# no [k](v.md)\n```\n<a id="set"></a>';
    expect(shownLinks(text)).toEqual([
      { file: "a.md", anchor: "b" },
      { file: "", anchor: "here" },
    ]);
    expect(anchorsOf(text)).toEqual(["a-thing-or-two", "set"]);
  });
});
