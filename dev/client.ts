import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildClient, CLIENT_FILE } from "./client/build-client.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** `npm run client`: writes the client as one file of plain JavaScript, for pages and for `npm pack`. */
const file = join(root, CLIENT_FILE);
const script = await buildClient(root);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, script);
console.log(`${CLIENT_FILE}: ${Buffer.byteLength(script)} bytes`);
