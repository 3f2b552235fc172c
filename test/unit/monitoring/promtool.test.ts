import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ALERT_CASES } from "../../../dev/monitoring/alert-cases.ts";
import { DEFAULT_PARAMETERS } from "../../../dev/monitoring/alert-parameters.ts";
import { generatedFiles, ruleFile } from "../../../dev/monitoring/generated-files.ts";
import { toYaml } from "../../../dev/monitoring/yaml.ts";
import { findProgram } from "../../support/find-program.ts";
import { ROOT } from "../../support/source-tree.ts";

const folder = join(ROOT, "deploy/monitoring");
const promtool = findProgram("promtool");
const run = (...args: string[]) => execFileSync(promtool ?? "promtool", args, { encoding: "utf8" });

/** A file that lives while `use` runs. */
function withFile<T>(text: string, use: (file: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), "mds-promtool-"));
  try {
    writeFileSync(join(dir, "file.yaml"), text);
    return use(join(dir, "file.yaml"));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const querySchema = z.object({
  panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })),
});

describe.skipIf(promtool === null)("promtool (missing? Debian package prometheus)", () => {
  it("finds no fault in the rules, as committed and as a drill renders them", () => {
    expect(run("check", "rules", join(folder, "alerts-slo.yaml"))).toContain("14 rules found");
    const drill = ruleFile({ ...DEFAULT_PARAMETERS, timeScale: 60 });
    expect(withFile(drill, (file) => run("check", "rules", file))).toContain("14 rules found");
  });

  it(`sees ${ALERT_CASES.length} cases fire and not fire as they should`, () => {
    expect(run("test", "rules", join(folder, "alerts-slo.test.yaml"))).toContain("SUCCESS");
  });

  it("can read every query of the dashboards", () => {
    const exprs = [...generatedFiles()]
      .filter(([path]) => path.startsWith("deploy/monitoring/grafana/"))
      .flatMap(([, text]) => querySchema.parse(JSON.parse(text)).panels)
      .flatMap(({ targets }) => targets)
      .map(({ expr }) => expr.replaceAll("$__rate_interval", "5m"));
    const rules = exprs.map((expr, at) => ({ record: `query_${at}`, expr }));
    const text = toYaml({ groups: [{ name: "dashboards", rules }] });
    expect(withFile(text, (file) => run("check", "rules", file))).toContain(
      `${exprs.length} rules found`,
    );
  });

  it("can read the configuration for a deployed service", () => {
    const syntaxOnly = ["check", "config", "--syntax-only", join(folder, "prometheus.yml")];
    expect(run(...syntaxOnly)).toContain("SUCCESS");
  });
});
