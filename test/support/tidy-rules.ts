import { importsOf, type SourceFile } from "./source-tree.ts";

/** A rule looks at one file and answers what is wrong, each with its place. */
export type TidyRule = (file: SourceFile) => string[];

/**
 * Layers from the bottom up: a file imports its own layer or a lower one. The last one composes and
 * may import anything of the service. Siblings of one layer may use each other (oxlint refuses cycles
 * of files).
 */
const LAYERS = [
  ["src/domain/"],
  ["src/contracts/"],
  ["src/platform/", "src/env.ts"],
  [
    "src/config/",
    "src/providers/",
    "src/routing/",
    "src/keys/",
    "src/symbol-group/",
    "src/backfill/",
    "src/slo/",
    "src/stream/",
    "src/postgres/",
  ],
  ["src/ingest/", "src/api/", "src/console/"],
  ["src/index.ts", "durable-objects/"],
] as const;
/**
 * Beside the layers: it runs in browsers too, so it stands on the contracts alone, and on the two pure
 * files in which a client and the service must agree to the byte.
 */
const CLIENT = "src/client/";
const CLIENT_SHARES: ReadonlySet<string> = new Set(["src/stream/token.ts", "src/stream/crc32c.ts"]);
const CONTRACTS_LAYER = 1;

function layerOf(path: string): number {
  return LAYERS.findIndex((folders) => folders.some((folder) => path.startsWith(folder)));
}

function placesOf(file: SourceFile, text: string, pattern: RegExp, says: string): string[] {
  return text
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${says}`] : []));
}

/** Imports point down (the layers above), and the service never imports its tools and tests. */
export const importsPointDown: TidyRule = (file) => {
  const isClient = file.path.startsWith(CLIENT);
  const layer = isClient ? CONTRACTS_LAYER : layerOf(file.path);
  if (layer === -1) return [`${file.path}: no layer; name it in test/support/tidy-rules.ts`];
  return importsOf(file)
    .filter((target) => /^(src|durable-objects|dev|test)\//.test(target))
    .filter((target) => !(isClient && (target.startsWith(CLIENT) || CLIENT_SHARES.has(target))))
    .filter((target) => layerOf(target) === -1 || layerOf(target) > layer)
    .map((target) => `${file.path}: must not import ${target}`);
};

/** `src/domain` takes time as an argument. (oxlint sees the calls; this sees `new Date()` too.) */
export const domainReadsNoClock: TidyRule = (file) =>
  file.path.startsWith("src/domain/")
    ? placesOf(
        file,
        file.code,
        /\bnew Date(?:\(\s*\)|\s*[;,)\]}]|$)|\bDate\.now\b/,
        "reads a clock",
      )
    : [];

const UNTIMED = ["durable-objects/", "src/stream/", "src/symbol-group/"];

/** An object sleeps by its alarm: a timer of its own dies with it and keeps it from hibernating. */
export const objectsHaveNoTimers: TidyRule = (file) =>
  UNTIMED.some((folder) => file.path.startsWith(folder))
    ? placesOf(file, file.code, /\b(?:setTimeout|setInterval)\b/, "a timer: see platform/timers.ts")
    : [];

const WORDS = [
  { pattern: /vendor/i, says: "say provider" },
  { pattern: /(?<![a-z])kline|Kline/, says: "say bar" },
  { pattern: /watch_?list/i, says: "say universe" },
  // The tables keep the given name `candles_…`, and `/stock/candle` is a provider's path.
  { pattern: /(?<!\/stock\/)candle(?!s_[a-z\d])/i, says: "say bar" },
] as const;

/** One word for one thing (the vocabulary of docs/architecture). Comments count, too. */
export const wordsAreOurs: TidyRule = (file) =>
  WORDS.flatMap(({ pattern, says }) => placesOf(file, file.text, pattern, says));

const CASTS =
  /\bas any\b|\bas unknown as\b|@ts-(?:ignore|nocheck)\b|\b(?:eslint|oxlint)-disable(?!-next-line)/;

/** Nothing gets past the type checker; a lint rule is lifted for one line at most, with a reason. */
export const typesAreNotBypassed: TidyRule = (file) =>
  placesOf(file, file.text, CASTS, "gets past the checks");

const DOCUMENTED =
  /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type) (\w+)|^export const (\w+) = (?:async )?(?:function\b|(?:<[^>]*>)?\([^)]*\)(?::[^=]+)? =>)/;

/**
 * Every exported type, function and class has a doc comment. Free: a type derived from a
 * zod schema or a constant, which then carries the comment, and further overloads.
 */
export const exportsAreDocumented: TidyRule = (file) => {
  const lines = file.text.split("\n");
  return lines.flatMap((line, index) => {
    const match = DOCUMENTED.exec(line);
    if (match === null) return [];
    const before = lines[index - 1] ?? "";
    const name = match[1] ?? match[2] ?? "";
    const isDerived = /= (?:z\.(?:infer|input|output)<|\(typeof )/.test(line);
    const isOverload = before.startsWith(`export function ${name}(`) && before.endsWith(";");
    if (before.trimEnd().endsWith("*/") || isDerived || isOverload) return [];
    return [`${file.path}:${index + 1}: ${name} has no doc comment`];
  });
};

const MAX_LINES = 400;

/** A bound on the whole file; oxlint counts code lines, this one also counts what it leaves out. */
export const filesAreShort: TidyRule = (file) => {
  const lines = file.text.split("\n").length;
  return lines > MAX_LINES ? [`${file.path}: ${lines} lines, more than ${MAX_LINES}`] : [];
};
