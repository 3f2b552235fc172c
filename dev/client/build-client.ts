import { build, type Plugin } from "esbuild";
import { licenseNotices } from "../license-notices.ts";

/** Where `npm run client` writes it. Not committed: it is made of the sources. */
export const CLIENT_FILE = "dist/client.js";

/** zod brings its messages in fifty languages, half of the bundle: only English is ever shown. */
const ENGLISH_ONLY: Plugin = {
  name: "english only",
  setup(bundle) {
    bundle.onResolve({ filter: /\/locales\/index\.js$/ }, ({ importer, kind, resolveDir }) =>
      importer.includes("/zod/")
        ? bundle.resolve("../locales/en.js", { kind, resolveDir })
        : { errors: [{ text: `${importer} has languages too` }] },
    );
  },
};

/**
 * The client with all that it needs as one ES module, for what does not run TypeScript: browsers, and Node below
 * `node_modules`.
 */
export async function buildClient(root: string): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: ["src/client/index.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    minify: true,
    plugins: [ENGLISH_ONLY],
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("esbuild wrote nothing");
  return `/*!\n${licenseNotices(root, Object.keys(metafile.inputs))}\n*/\n${file.text}`;
}
