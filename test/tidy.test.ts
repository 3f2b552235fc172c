import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { NEWEST_MIGRATION } from "../src/postgres/schema-version.ts";
import { readTree, ROOT, sourceFile } from "./support/source-tree.ts";
import { checksumFaults, checksumOf, migrationFaults } from "./support/tidy-migrations.ts";
import {
  domainReadsNoClock,
  exportsAreDocumented,
  filesAreShort,
  importsPointDown,
  objectsHaveNoTimers,
  type TidyRule,
  typesAreNotBypassed,
  wordsAreOurs,
} from "./support/tidy-rules.ts";

const service = readTree(["src", "durable-objects"], [".ts"]);
const tools = readTree(["dev", "test/support"], [".ts", ".mjs"]);
const tests = readTree(
  ["test/unit", "test/workers", "test/pg", "test/e2e", "test/browser"],
  [".ts"],
);
const migrations = readTree(["migrations"], [".sql"]);

/** Each rule with files it must refuse and files it must let pass: a rule that never fires is none. */
const RULES: readonly {
  says: string;
  rule: TidyRule;
  files: typeof service;
  refuses: readonly [path: string, text: string][];
  allows: readonly [path: string, text: string][];
}[] = [
  {
    says: "imports point down",
    rule: importsPointDown,
    files: service,
    refuses: [
      ["src/domain/a.ts", 'import type { B } from "../contracts/b.ts";'],
      ["src/contracts/a.ts", 'export { b } from "../platform/b.ts";'],
      ["src/platform/a.ts", 'import {\n  b,\n} from "../stream/b.ts";'],
      ["src/providers/polygon/a.ts", 'import { b } from "../../api/b.ts";'],
      ["src/slo/a.ts", 'import { b } from "../ingest/b.ts";'],
      ["src/api/a.ts", 'const b = await import("../../durable-objects/b.ts");'],
      ["src/client/a.ts", 'import { b } from "../platform/b.ts";'],
      ["src/client/a.ts", 'import { b } from "../stream/host.ts";'],
      ["src/index.ts", 'import "../dev/b.ts";'],
      ["src/helpers/a.ts", ""],
    ],
    allows: [
      ["src/slo/a.ts", 'import { b } from "../postgres/b.ts";'],
      ["src/stream/a.ts", 'import { b } from "../domain/b.ts";\nimport { c } from "./c.ts";'],
      ["src/client/a.ts", 'import { b } from "./b.ts";\nimport { z } from "zod";'],
      ["src/client/a.ts", 'import { b } from "../stream/token.ts";'],
      ["durable-objects/a.ts", 'import { b } from "../src/api/b.ts";'],
      ["src/domain/a.ts", '// as in: import "../platform/b.ts"'],
    ],
  },
  {
    says: "the domain reads no clock",
    rule: domainReadsNoClock,
    files: service,
    refuses: [
      ["src/domain/a.ts", "const now = new Date();"],
      ["src/domain/a.ts", "const now = Date.now;"],
      ["src/domain/a.ts", "const now = new Date;"],
    ],
    allows: [
      ["src/domain/a.ts", "const at = new Date(ms); // never new Date()"],
      ["src/platform/a.ts", "const now = Date.now();"],
    ],
  },
  {
    says: "objects have no timers of their own",
    rule: objectsHaveNoTimers,
    files: service,
    refuses: [
      ["durable-objects/a.ts", "setTimeout(() => this.#flush(), 5);"],
      ["src/stream/a.ts", "const timer = setInterval(run, 5);"],
    ],
    allows: [["src/platform/timers.ts", "setTimeout(run, delayMs);"]],
  },
  {
    says: "one thing has one word",
    rule: wordsAreOurs,
    files: service,
    refuses: [
      ["src/a.ts", "const vendorId = 1;"],
      ["src/a.ts", "/** A candle. */"],
      ["src/a.ts", "const klines = 1; const rawKline = 2;"],
      ["src/a.ts", "type Watchlist = string[];"],
    ],
    allows: [
      ["src/a.ts", "select * from candles_intraday join candles_revisions"],
      ["src/a.ts", "const url = `/stock/candle?symbol=A`; const blanklines = 1;"],
    ],
  },
  {
    says: "nothing gets past the types",
    rule: typesAreNotBypassed,
    files: [...service, ...tools.filter((file) => !file.path.includes("tidy-"))],
    refuses: [
      ["src/a.ts", "const a = b as any;"],
      ["src/a.ts", "const a = b as unknown as C;"],
      ["src/a.ts", "// @ts-ignore"],
      ["src/a.ts", "/* oxlint-disable no-console */"],
    ],
    allows: [["src/a.ts", "const a = [1] as const;"]],
  },
  {
    says: "exported types and functions have a doc comment",
    rule: exportsAreDocumented,
    files: service,
    refuses: [
      ["src/a.ts", "\nexport function a() {}"],
      ["src/a.ts", "// not a doc comment\nexport interface A {}"],
      ["src/a.ts", "export const a = (b: number): number => b;"],
      ["src/a.ts", "/** Far away. */\n\nexport async function a() {}"],
    ],
    allows: [
      ["src/a.ts", "/** Why. */\nexport function a() {}"],
      ["src/a.ts", "/**\n * Why.\n */\nexport class A {}"],
      ["src/a.ts", "export const MAX_BYTES = 1;"],
      ["src/a.ts", "});\nexport type A = z.infer<typeof aSchema>;"],
      ["src/a.ts", "];\nexport type A = (typeof AS)[number];"],
    ],
  },
  {
    says: "files are short",
    rule: filesAreShort,
    files: [...service, ...tools],
    refuses: [["src/a.ts", "\n".repeat(400)]],
    allows: [["src/a.ts", "\n".repeat(399)]],
  },
];

describe.each(RULES)("tidy: $says", ({ rule, files, refuses, allows }) => {
  it("holds in every file", () => {
    expect(files.flatMap(rule)).toEqual([]);
  });
  it("refuses what it is there for and nothing else", () => {
    for (const [path, text] of refuses) {
      expect(rule(sourceFile(path, text)), text).not.toEqual([]);
    }
    for (const [path, text] of allows) expect(rule(sourceFile(path, text)), text).toEqual([]);
  });
});

describe("tidy: tests", () => {
  it("are named after what they need to run", () => {
    const NEEDS = {
      workers: ".worker.test.ts",
      pg: ".pg.test.ts",
      e2e: ".e2e.test.ts",
      browser: ".browser.test.ts",
    };
    const unfit = tests
      .filter((file) => file.path.endsWith(".test.ts"))
      .filter((file) =>
        Object.entries(NEEDS).some(
          ([folder, ending]) =>
            file.path.startsWith(`test/${folder}/`) !== file.path.endsWith(ending),
        ),
      );
    expect(unfit.map((file) => file.path)).toEqual([]);
  });
});

describe("tidy: database migrations", () => {
  it("are numbered without holes and say why on their first line", () => {
    expect(migrationFaults(migrations)).toEqual([]);
    const why = "-- Bars are asked for by day.\n";
    expect(migrationFaults([sourceFile("migrations/0002_a.sql", why)])).toHaveLength(1);
    const one = sourceFile("migrations/0001_a.sql", why);
    const two = sourceFile("migrations/timescale/0002_a.sql", why);
    expect(migrationFaults([two, one])).toEqual([]);
    expect(migrationFaults([one, sourceFile("migrations/other/0002_a.sql", why)])).toHaveLength(1);
    expect(migrationFaults([one, sourceFile("migrations/timescale/0001_b.sql", why)])).toHaveLength(
      1,
    );
    expect(
      migrationFaults([sourceFile("migrations/0001_a.sql", "create table a ();")]),
    ).toHaveLength(1);
    expect(migrationFaults([sourceFile("migrations/first.sql", why)])).toHaveLength(1);
  });
  it("are known to the release up to the newest one, so that readiness can tell an old database", () => {
    const names = migrations.flatMap(
      ({ path }) => /^migrations\/(\d[^/]+)\.sql$/.exec(path)?.[1] ?? [],
    );
    expect(names.toSorted().at(-1)).toBe(NEWEST_MIGRATION);
  });
  it("do not change once they are sealed in test/fixtures/migration-checksums.json", () => {
    const file = join(ROOT, "test/fixtures/migration-checksums.json");
    const sealed = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, "utf8")));
    expect(checksumFaults(migrations, sealed)).toEqual([]);
    const one = sourceFile("migrations/0001_a.sql", "-- why");
    expect(checksumFaults([one], { [one.path]: checksumOf(one) })).toEqual([]);
    expect(checksumFaults([one], {})).toEqual([expect.stringContaining(checksumOf(one))]);
    expect(checksumFaults([one], { [one.path]: "0" })).toEqual([
      expect.stringContaining("changed"),
    ]);
    expect(checksumFaults([], { [one.path]: "0" })).toEqual([expect.stringContaining("gone")]);
  });
});
