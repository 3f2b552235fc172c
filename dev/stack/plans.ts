import type { CallsPerMinute, SandboxKeys } from "../sandbox/provider-answers.ts";

/** The keys that a stack makes for its providers. */
type Keys = Required<SandboxKeys>;

/** What a deployment has: variables of the service, and the quotas that the providers hold it to. */
interface StackPlanRow {
  readonly says: string;
  readonly variables: (keys: Keys, url: string) => Readonly<Record<string, string>>;
  readonly callsPerMinute: Partial<CallsPerMinute>;
}

const alpacaKey = (keys: Keys, url: string) => ({
  ALPACA_KEY_ID: keys.alpacaKeyId,
  ALPACA_SECRET_KEY: keys.alpacaSecret,
  ALPACA_BASE_URL: url,
  ALPACA_TRADING_URL: url,
});
const polygonKey = (keys: Keys, url: string) => ({
  POLYGON_API_KEY: keys.polygonApiKey,
  POLYGON_BASE_URL: url,
});
const finnhubKey = (keys: Keys, url: string) => ({
  FINNHUB_TOKEN: keys.finnhubToken,
  FINNHUB_BASE_URL: `${url}/api/v1`,
});

/** Providers of 1-minute bars, in order, of a deployment with all paid plans. */
export const PAID_POLICY_BARS_1M = ["alpaca", "polygon"] as const;

/** Deployments to try by name: all paid plans, each free key alone, and no key at all. */
const STACK_PLANS = {
  paid: {
    says: "all four providers on plans that are live",
    variables: (keys, url) => ({
      POLICY_BARS_1M: JSON.stringify(PAID_POLICY_BARS_1M),
      ALPACA_PLAN: "plus",
      ...alpacaKey(keys, url),
      POLYGON_PLAN: "advanced",
      ...polygonKey(keys, url),
      FINNHUB_PLAN: "premium",
      ...finnhubKey(keys, url),
      IEX_KEY_ID: keys.iexKeyId,
      IEX_SECRET: keys.iexSecret,
      IEX_BASE_URL: url,
    }),
    callsPerMinute: {},
  },
  "alpaca-free": {
    says: "one free Alpaca key: minutes of sip 16 min late, daily bars, quotes of IEX",
    variables: (keys, url) => ({ ALPACA_PLAN: "basic", ...alpacaKey(keys, url) }),
    callsPerMinute: { alpaca: 200 },
  },
  "alpaca-free-iex": {
    says: "one free Alpaca key with ALPACA_FEED=iex: live minutes and quotes of IEX, daily bars",
    variables: (keys, url) => ({
      ALPACA_PLAN: "basic",
      ALPACA_FEED: "iex",
      ...alpacaKey(keys, url),
    }),
    callsPerMinute: { alpaca: 200 },
  },
  "polygon-free": {
    says: "one free Polygon key: yesterday's minutes, daily bars of the whole market",
    variables: (keys, url) => ({ POLYGON_PLAN: "basic", ...polygonKey(keys, url) }),
    callsPerMinute: { polygon: 5 },
  },
  "finnhub-free": {
    says: "one free Finnhub key: last prices",
    variables: (keys, url) => ({ FINNHUB_PLAN: "free", ...finnhubKey(keys, url) }),
    callsPerMinute: { finnhub: 60 },
  },
  none: { says: "no key at all", variables: () => ({}), callsPerMinute: {} },
} as const satisfies Record<string, StackPlanRow>;

/** A deployment of `STACK_PLANS`. */
export type StackPlan = keyof typeof STACK_PLANS;

/** What a stack runs with unless told otherwise. */
export const DEFAULT_STACK_PLAN: StackPlan = "paid";

/** The row of a deployment. */
export function stackPlan(plan: StackPlan): StackPlanRow {
  return STACK_PLANS[plan];
}

/** The deployment of this name. Throws with the names that there are. */
export function parseStackPlan(name: string): StackPlan {
  for (const plan of stackPlans()) {
    if (plan === name) return plan;
  }
  throw new RangeError(`--plan must be one of ${stackPlans().join(", ")}`);
}

/** All names, in the order of the table. */
export function stackPlans(): StackPlan[] {
  return ["paid", "alpaca-free", "alpaca-free-iex", "polygon-free", "finnhub-free", "none"];
}
