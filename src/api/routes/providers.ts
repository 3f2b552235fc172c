import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { CAPABILITIES, PROVIDER_IDS, type ProviderId } from "../../domain/provider-id.ts";
import { floorToMinute, toIso } from "../../domain/time.ts";
import { marketClock } from "../../platform/clocks.ts";
import { configStoreStub, providerBreakerStub } from "../../platform/stubs.ts";
import { explainVerdict, VERDICTS, wasAsked } from "../../routing/decision.ts";
import { policyCapacities } from "../../routing/policy-capacity.ts";
import { type PolicyStanding, policyStandings } from "../../routing/policy-standing.ts";
import type { DecidedMinute } from "../../routing/provider-history.ts";
import type { ApiEnv } from "../api-env.ts";
import { registerRead } from "../parameters.ts";
import { countParam, instantParam } from "../query-values.ts";
import { problem } from "../problem.ts";
import { findingsOf, providerSnapshot, providerSnapshots } from "../provider-snapshots.ts";
import {
  delaySchema,
  delayView,
  healthSchema,
  healthView,
  providerView,
  providerViewSchema,
  roundScore,
  stateSchema,
} from "../provider-view.ts";
import { tierSizes } from "../tier-sizes.ts";

const DEFAULT_DECISIONS = 20;
const MAX_DECISIONS_SHOWN = 100;
/** Acts of operators that are shown with a provider. */
const ACTS_SHOWN = 20;

const nameParams = z.object({ name: z.enum(PROVIDER_IDS) });

const policySchema = z.object({
  capability: z.enum(CAPABILITIES),
  served: z.boolean(),
  served_by: z.enum(PROVIDER_IDS).nullable(),
  delay_s: delaySchema,
  unserved_reason: z.string().nullable(),
  providers: z.array(
    z.object({
      provider: z.enum(PROVIDER_IDS),
      place: z.number(),
      serves: z.boolean(),
      reason: z.string().nullable(),
    }),
  ),
});

const decisionViewSchema = z.object({
  minute: z.string(),
  capability: z.enum(CAPABILITIES),
  jobs: z.number(),
  last_at: z.string(),
  asked: z.array(z.enum(PROVIDER_IDS)),
  why: z.string().nullable(),
  candidates: z.array(
    z.object({
      provider: z.enum(PROVIDER_IDS),
      state: stateSchema,
      h: z.number(),
      verdict: z.enum(VERDICTS),
      failure: z.string().nullable(),
      why: z.string(),
    }),
  ),
});

const actSchema = z.object({
  at: z.string(),
  actor: z.string(),
  act: z.enum(["isolate", "release"]),
  reason: z.string().nullable(),
});

const sampleSchema = z.object({
  at: z.string(),
  capability: z.enum(CAPABILITIES),
  state: stateSchema,
  ...healthSchema.shape,
  calls: z.number(),
  failures: z.number(),
});

/** `GET /providers`, `/providers/{name}` and `/providers/{name}/health-history`. */
export function registerProviders(app: OpenAPIHono<ApiEnv>): void {
  registerRead(
    app,
    {
      path: "/providers",
      summary: "Every provider and policy: what is served, by whom, how late, and how healthy",
      query: z.object({}),
      answer: z.object({
        now: z.string(),
        providers: z.array(providerViewSchema),
        policies: z.array(policySchema),
      }),
    },
    async (context) => {
      const { settings } = context.var;
      const [snapshots, sizes] = await Promise.all([
        providerSnapshots(context.env),
        tierSizes(settings, context.env),
      ]);
      const standings = policyStandings(settings, findingsOf(snapshots));
      const facts = { standings, capacities: policyCapacities(settings, sizes) };
      return context.json({
        now: toIso(marketClock.now()),
        providers: [...snapshots].map(([name, snapshot]) =>
          providerView(name, settings, facts, snapshot),
        ),
        policies: standings.map(policyView),
      });
    },
  );
  registerOne(app);
  registerHistory(app);
}

function registerOne(app: OpenAPIHono<ApiEnv>): void {
  registerRead(
    app,
    {
      path: "/providers/:name",
      params: nameParams,
      summary: "One provider, the last routing decisions about it (of the minute `at`), its audit",
      query: z.object({
        at: instantParam.optional(),
        decisions: countParam(0, MAX_DECISIONS_SHOWN, DEFAULT_DECISIONS),
      }),
      answer: providerViewSchema.extend({
        now: z.string(),
        decisions: z.array(decisionViewSchema),
        acts: z.array(actSchema),
      }),
    },
    async (context, { at, decisions }) => {
      const name = providerParam(context);
      if (name === null) return unknownProvider(context);
      const minuteMs = at === undefined ? null : floorToMinute(at);
      const { settings } = context.var;
      const [snapshot, sizes, decided, acts] = await Promise.all([
        providerSnapshot(context.env, name),
        tierSizes(settings, context.env),
        providerBreakerStub(context.env, name).decisions(decisions, minuteMs),
        configStoreStub(context.env).isolationActs(name, ACTS_SHOWN),
      ]);
      const facts = {
        standings: policyStandings(settings),
        capacities: policyCapacities(settings, sizes),
      };
      return context.json({
        now: toIso(marketClock.now()),
        ...providerView(name, settings, facts, snapshot),
        decisions: decided.map((minute) => decisionView(minute, name)),
        acts: acts.map(({ atMs, ...act }) => ({ at: toIso(atMs), ...act })),
      });
    },
  );
}

function registerHistory(app: OpenAPIHono<ApiEnv>): void {
  registerRead(
    app,
    {
      path: "/providers/:name/health-history",
      params: nameParams,
      summary: "The last 60 health samples of each capability, one a minute with calls",
      query: z.object({ capability: z.enum(CAPABILITIES).optional() }),
      answer: z.object({ provider: z.enum(PROVIDER_IDS), samples: z.array(sampleSchema) }),
    },
    async (context, { capability }) => {
      const name = providerParam(context);
      if (name === null) return unknownProvider(context);
      const breaker = providerBreakerStub(context.env, name);
      const asked = capability === undefined ? CAPABILITIES : [capability];
      const samples = await Promise.all(
        asked.map(async (each) =>
          (await breaker.healthHistory(each)).map(({ atMs, state, score, calls, failures }) => ({
            at: toIso(atMs),
            capability: each,
            state,
            ...healthView(score),
            calls,
            failures,
          })),
        ),
      );
      return context.json({ provider: name, samples: samples.flat() });
    },
  );
}

/** The provider that the path names; null when there is none of that name. */
export function providerParam(context: Context<ApiEnv>): ProviderId | null {
  const name = context.req.param("name");
  return PROVIDER_IDS.find((id) => id === name) ?? null;
}

/** 404 for a name that is no provider's. */
export function unknownProvider(context: Context<ApiEnv>): Response {
  return problem(context, 404, {
    code: "unknown_provider",
    detail: `there is no such provider: they are ${PROVIDER_IDS.join(", ")}`,
  });
}

function policyView(standing: PolicyStanding) {
  return {
    capability: standing.capability,
    served: standing.servedBy !== null,
    served_by: standing.servedBy,
    delay_s: delayView(standing.delayMs),
    unserved_reason: standing.unservedReason,
    providers: standing.places.map(({ provider, place, reason }) => ({
      provider,
      place,
      serves: reason === null,
      reason,
    })),
  };
}

/** Decisions of a minute that were alike, as told to whoever asks about `name`. */
function decisionView({ minuteMs, jobs, last }: DecidedMinute, name: ProviderId) {
  const about = last.candidates.find(({ provider }) => provider === name);
  return {
    minute: toIso(minuteMs),
    capability: last.capability,
    jobs,
    last_at: toIso(last.atMs),
    asked: last.candidates.filter(wasAsked).map(({ provider }) => provider),
    why: about === undefined ? null : explainVerdict(about, last),
    candidates: last.candidates.map((candidate) => ({
      ...candidate,
      h: roundScore(candidate.h),
      why: explainVerdict(candidate, last),
    })),
  };
}
