import type { OpenAPIHono } from "@hono/zod-openapi";
import { PROVIDER_IDS } from "../../domain/provider-id.ts";
import { type Tier, TIERS } from "../../domain/tier.ts";
import { SECOND_MS } from "../../domain/time.ts";
import { marketClock } from "../../platform/clocks.ts";
import { errorText, log } from "../../platform/log.ts";
import { metricsHubStub, providerBreakerStub } from "../../platform/stubs.ts";
import type { ExpositionFormat } from "../../platform/metric-text.ts";
import { MetricTotals } from "../../platform/metric-totals.ts";
import { countDead } from "../../postgres/dead-letter-reads.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import { configuredProviders } from "../../providers/registry.ts";
import { minutesBeyondCredits } from "../../routing/policy-capacity.ts";
import { minuteDelay } from "../../routing/minute-delay.ts";
import { calendarOf, type Settings } from "../../env.ts";
import { lowestServedBy } from "../acted-versions.ts";
import type { ApiEnv } from "../api-env.ts";
import { qualityFor } from "../negotiate.ts";
import { tierSizes } from "../tier-sizes.ts";
import { VERSION } from "../version.ts";

const CIRCUIT_VALUE = { closed: 1, half_open: 0.5, open: 0, isolated: 0 } as const;
/** A scrape is given up after ten seconds by default: a database that is away must not use them up. */
const DEPTH_TIMEOUT_MS = 2_000;

const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/**
 * `GET /metrics`: Prometheus text, or OpenMetrics for who prefers it. Breakers are asked at the scrape: what is
 * shown is what is.
 */
export function registerMetrics(app: OpenAPIHono<ApiEnv>): void {
  app.get("/metrics", async (context) => {
    const format = formatFor(context.req.header("accept"));
    const measured = await measure(context.var.settings, context.env);
    const text = await metricsHubStub(context.env).scrape(measured.toJSON(), format);
    return context.text(text, 200, { "content-type": CONTENT_TYPES[format], vary: "Accept" });
  });
}

/** Text unless OpenMetrics is wanted more: a person's browser takes anything and reads text. */
function formatFor(accept: string | undefined): ExpositionFormat {
  const wanted = qualityFor(accept, "application/openmetrics-text");
  return wanted > qualityFor(accept, "text/plain") ? "openmetrics" : "text";
}

/** How many letters of each tier are dead; null, so that no zero is shown, when nobody can say. */
async function deadLetters(settings: Settings): Promise<Record<Tier, number> | null> {
  try {
    return await countDead(sqlClientOf(settings, DEPTH_TIMEOUT_MS));
  } catch (error) {
    log("warn", "dead letters could not be counted", { error: errorText(error) });
    return null;
  }
}

async function measure(settings: Settings, env: Env): Promise<MetricTotals> {
  const totals = new MetricTotals();
  totals.set("build_info", { version: VERSION }, 1);
  const isOpen = calendarOf(settings).isExpectedMinute(marketClock.now());
  totals.set("market_open", {}, isOpen ? 1 : 0);
  totals.set("plan_delay_seconds", {}, minuteDelay(settings).planDelayMs / SECOND_MS);
  totals.set("config_version", { component: "api" }, lowestServedBy());
  const depths = deadLetters(settings);
  const configured = new Set(configuredProviders(settings).map((provider) => provider.id));
  const judgedBy: number[] = [];
  for (const provider of PROVIDER_IDS) {
    if (!configured.has(provider)) continue;
    const { configVersion, isolated, capabilities } = await providerBreakerStub(
      env,
      provider,
    ).snapshot();
    if (configVersion !== null) judgedBy.push(configVersion);
    totals.set("provider_isolated", { provider }, isolated === null ? 0 : 1);
    for (const { capability, state, score } of capabilities) {
      totals.set("circuit_state", { provider, capability }, CIRCUIT_VALUE[state]);
      totals.set("provider_health_score", { provider, capability }, score.h);
    }
  }
  const component = { component: "breaker" };
  totals.set("config_version", component, judgedBy.length === 0 ? null : Math.min(...judgedBy));
  const beyond = minutesBeyondCredits(settings, await tierSizes(settings, env));
  for (const tier of beyond === null ? [] : TIERS)
    totals.set("symbols_beyond_credits", { tier }, beyond?.[tier] ?? null);
  const depth = await depths;
  for (const tier of TIERS) totals.set("dlq_depth", { tier }, depth?.[tier] ?? null);
  return totals;
}
