import { type Check, fail, ok, unknown } from "./check.ts";

/** What only CI can say. */
export const testsPass: Check = {
  name: "tests",
  run: async () =>
    unknown(
      "CI runs .ci/run for each commit; nothing of it can be seen from here",
      "look at CI for the commit that was deployed (npx wrangler deployments list names it)",
    ),
};

/** Figures under load, which no deployment should have to give. */
export const loadTested: Check = {
  name: "load test",
  run: async ({ repository }) => {
    const text = repository.read("docs/performance.md");
    if (text === null || !text.includes("npm run bench"))
      return fail(
        "docs/performance.md has no figures",
        "npm run bench -- write read fanout --json",
      );
    return ok("figures with their commands are in docs/performance.md");
  },
};

/** What is done when a release turns out bad. */
export const rollbackWritten: Check = {
  name: "rollback plan",
  run: async ({ repository }) => {
    const text = repository.read("docs/deploy.md") ?? "";
    if (!/^## Roll back$/m.test(text))
      return fail("docs/deploy.md has no section Roll back", "write it before it is needed");
    return ok("docs/deploy.md#roll-back");
  },
};
