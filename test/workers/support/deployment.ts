import type * as EnvModule from "../../../src/env.ts";

/** Variables that the deployment under test has beside those of this runtime. */
export const deployment: { variables: Readonly<Record<string, string>> } = { variables: {} };

/** `src/env.ts` of that deployment: for `vi.mock`, which has to stand in the test's own file. */
export async function deployedEnv(
  importOriginal: () => Promise<typeof EnvModule>,
): Promise<typeof EnvModule> {
  const original = await importOriginal();
  const made = new WeakMap<object, { variables: object; env: object }>();
  return {
    ...original,
    readSettings: (env: object) => {
      const { variables } = deployment;
      const known = made.get(env);
      if (known?.variables === variables) return original.readSettings(known.env);
      const own = { ...env, ...variables };
      made.set(env, { variables, env: own });
      return original.readSettings(own);
    },
  };
}
