import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** A licence longer than this is named with its address instead of being repeated. */
const MAX_LICENSE_CHARACTERS = 2_000;

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  homepage: z.string().optional(),
});

/** The licences of the packages that the bundle took files from, each text once. */
export function licenseNotices(root: string, inputs: readonly string[]): string {
  const folders = inputs.flatMap((path) => /^node_modules\/[^/]+/.exec(path)?.[0] ?? []);
  const packagesOf = new Map<string, string[]>();
  for (const folder of [...new Set(folders)].toSorted()) {
    const read = (file: string) => readFileSync(join(root, folder, file), "utf8");
    const { name, version, license, homepage } = packageSchema.parse(
      JSON.parse(read("package.json")),
    );
    const text = existsSync(join(root, folder, "LICENSE")) ? read("LICENSE").trim() : null;
    const isShort = text !== null && text.length <= MAX_LICENSE_CHARACTERS;
    const terms = isShort ? text : `${license}, the text is at ${homepage ?? "its home"}`;
    packagesOf.set(terms, [...(packagesOf.get(terms) ?? []), `${name} ${version}`]);
  }
  return [...packagesOf].map(([terms, names]) => `${names.join(", ")}:\n${terms}`).join("\n\n");
}
