import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { freePort } from "../stack/runtime.ts";

/** What is run, and with what. */
export interface DirectRuntimeOptions {
  readonly root: string;
  /** What `bundleService` made. */
  readonly bundle: string;
  readonly stateDir: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** The service in the runtime itself. */
export interface DirectRuntime {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the service in workerd as wrangler.toml says, without the proxy that `wrangler dev` puts before it: a
 * deployment has none, and it costs a third of what sockets carry.
 */
export async function startDirectRuntime(options: DirectRuntimeOptions): Promise<DirectRuntime> {
  const { root, bundle, stateDir, variables } = options;
  // The linter can't read wrangler's types, which tsc can: it is told to let them be in this file.
  const config = unstable_readConfig({ config: join(root, "wrangler.toml") });
  const vars = { ...config.vars, ...variables };
  // What wrangler says of its sources is for those that are not bundled.
  const { modulesRules: _, ...workerOptions } = unstable_getMiniflareWorkerOptions({
    ...config,
    vars,
  }).workerOptions;
  const port = await freePort();
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      scriptPath: bundle,
      modules: true,
      modulesRoot: dirname(bundle),
      host: "127.0.0.1",
      port,
      durableObjectsPersist: join(stateDir, "objects"),
    }),
  );
  await runtime.ready;
  return { url: `http://127.0.0.1:${port}`, stop: () => runtime.dispose() };
}
