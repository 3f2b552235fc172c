const UNLIMITED = { limit: async () => ({ success: true }) };

/**
 * The environment as it is, or with rate limits that never refuse when the stack says so: a session plays hours of
 * a whole audience in minutes, all with one key. The service remembers things by its environment, which is
 * therefore made once.
 */
export function unlimitedEnv<E extends object>(): (env: E) => E {
  let made: { readonly of: E; readonly env: E } | null = null;
  return (env) => {
    if (!("RATE_LIMITS" in env && env.RATE_LIMITS === "off")) return env;
    if (made?.of !== env) {
      const lifted = {
        API_RATE_LIMIT: UNLIMITED,
        API_RATE_LIMIT_LOW: UNLIMITED,
        API_RATE_LIMIT_HIGH: UNLIMITED,
      };
      made = { of: env, env: { ...env, ...lifted } };
    }
    return made.env;
  };
}
