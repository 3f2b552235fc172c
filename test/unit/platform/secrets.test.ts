import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { errorText, log } from "../../../src/platform/log.ts";
import { hideSecrets, rememberSecretsOf, SECRET_VARIABLES } from "../../../src/platform/secrets.ts";
import { ROOT } from "../../support/source-tree.ts";

const PASSWORD = 'p\u00e4ss%22word"1';
const VARIABLES = new Map<string, unknown>([
  ["DATABASE_URL", `postgres://user:${encodeURIComponent(PASSWORD)}@db.test/x`],
  ["BOOTSTRAP_KEY", 'a "quoted" bootstrap \\ key'],
  ["POLYGON_API_KEY", "polygon-key-0123456789"],
  ["FINNHUB_TOKEN", "short"],
  ["ALPACA_FEED", "sip-is-no-secret"],
]);
afterEach(() => vi.restoreAllMocks());

describe("a secret of the deployment", () => {
  it("is hidden in any spelling, alone or in a text", () => {
    rememberSecretsOf(VARIABLES);
    for (const secret of [PASSWORD, "polygon-key-0123456789", 'a "quoted" bootstrap \\ key']) {
      for (const spelling of [secret, encodeURIComponent(secret), JSON.stringify(secret)]) {
        const hidden = hideSecrets(`before ${spelling} after`);
        expect(hidden).toMatch(/^before "?\[secret\]"? after$/);
      }
    }
    expect(hideSecrets("at postgres://other:password@db.test/y?z=1 it")).toBe(
      "at postgres://[secret] it",
    );
  });

  it("is hidden in log lines and error texts, before they are cut", () => {
    rememberSecretsOf(VARIABLES);
    const lines: string[] = [];
    vi.spyOn(console, "warn").mockImplementation((line) => lines.push(String(line)));
    const secret = 'a "quoted" bootstrap \\ key';
    log("warn", `it failed with ${secret}`, { error: `again ${secret}`, count: 3, none: null });
    expect(lines).toEqual([
      '{"level":"warn","message":"it failed with [secret]","error":"again [secret]","count":3,"none":null}',
    ]);
    expect(errorText(new Error(`${"x".repeat(490)} ${secret}`))).not.toContain("quoted");
  });

  it("leaves ordinary words alone: short values, other variables, placeholders", () => {
    rememberSecretsOf(VARIABLES);
    const text = "Authorization: Bearer KEY is short for sip-is-no-secret; mds_x is no key";
    expect(hideSecrets(text)).toBe(text);
  });
});

describe("a key on its way", () => {
  it("is hidden though nobody remembers it", () => {
    const key = `mds_${"aB3_-".repeat(8)}xyz`;
    for (const text of [key, `key.${key}`, `Bearer ${key}`, `"${key}"`, `/v1/bars/${key}?a=1`])
      expect(hideSecrets(text)).not.toContain(key.slice(4, 20));
    expect(hideSecrets("Bearer some-other-key-of-yours")).toBe("Bearer [secret]");
  });
});

describe("the secrets that are hidden", () => {
  it("are those that wrangler.toml names", () => {
    const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
    const comment = /# Secrets, set by `wrangler secret put`: ([^.]*)\./.exec(toml)?.[1] ?? "";
    expect(comment.match(/[A-Z_]{4,}/g)?.toSorted()).toEqual([...SECRET_VARIABLES].toSorted());
  });
});
