import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** What is uploaded of a bundle, bytes. */
export interface BundleSize {
  readonly rawBytes: number;
  readonly gzipBytes: number;
}

const MIB = 1_048_576;

/**
 * Cloudflare takes 64 MiB of modules on any plan (developers.cloudflare.com/workers/platform/limits, 2026); before
 * that it was 10 MB compressed on the paid plan and 3 MB on the free one. We hold the smallest of them: a Worker
 * must parse and start within a second.
 */
export const MAX_GZIP_BYTES = 3_000_000;
const MAX_RAW_BYTES = 64 * MIB;

/** Adds up what `wrangler deploy --outdir` wrote; source maps and its note are not part of the Worker. */
export function bundleSize(outDir: string): BundleSize {
  const names = readdirSync(outDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.map$|^README\.md$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const modules = names.map((name) => readFileSync(name));
  const sum = (bytes: readonly number[]) => bytes.reduce((total, one) => total + one, 0);
  return {
    rawBytes: sum(modules.map((module) => module.length)),
    gzipBytes: sum(modules.map((module) => gzipSync(module).length)),
  };
}

/** A bundle in words; throws an Error of them when it is too large, or empty. */
export function sizeVerdict({ rawBytes, gzipBytes }: BundleSize): string {
  const says = `${kib(rawBytes)} KiB, ${kib(gzipBytes)} KiB compressed (limit ${kib(MAX_GZIP_BYTES)} KiB)`;
  if (rawBytes === 0) throw new Error("the bundle is empty");
  if (gzipBytes > MAX_GZIP_BYTES || rawBytes > MAX_RAW_BYTES)
    throw new Error(`the Worker is too large: ${says}`);
  return says;
}

function kib(bytes: number): number {
  return Math.round(bytes / 1_024);
}
