import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A file of the repository: `path` from the root with `/`, its text, and the text as code only. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Comments blanked out, line numbers kept. */
  readonly code: string;
}

/**
 * Blanks comments. A `//` counts only at the start of a line or after a blank, so that the one in
 * `"https://…"` stays; this reads formatted code, not any code.
 */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** A source file out of its path and text; tests of the rules make them by hand. */
export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, code: withoutComments(text) };
}

/** All files below the given folders whose name ends so, sorted by path. Absent folders are empty. */
export function readTree(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  return folders
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
        .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1)),
    )
    .sort()
    .map((path) => sourceFile(path.replaceAll("\\", "/"), readFileSync(join(ROOT, path), "utf8")));
}

const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(["'])([^"'\n]+)\1/g;

/** What a file imports or re-exports: relative specifiers as paths from the root, others as is. */
export function importsOf(file: SourceFile): string[] {
  return [...file.code.matchAll(SPECIFIER)].map((match) => {
    const specifier = match[2] ?? "";
    return specifier.startsWith(".") ? posix.join(posix.dirname(file.path), specifier) : specifier;
  });
}
