import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFlameScript, FLAME_SCRIPT_FILE } from "./flame/build-script.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * `node dev/flame-script.ts`: writes the library of the flame graph anew, as the lock file has it, to where the
 * service serves it from. A test fails while the two differ.
 */
const file = join(root, FLAME_SCRIPT_FILE);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, await buildFlameScript(root));
console.log(`${FLAME_SCRIPT_FILE}: ${readFileSync(file).byteLength} bytes`);
