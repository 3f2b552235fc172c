import { SECOND_MS } from "../domain/time.ts";
import { calendarOf, type Settings } from "../env.ts";
import { pollOffsetMs } from "../providers/registry.ts";
import { minuteDelay } from "../routing/minute-delay.ts";
import type { GroupRules } from "./group-rules.ts";

/** A flush may be expected this many time-outs after its poll: each provider of a policy is asked once. */
const AWAITED_TIMEOUTS = 3;

// One for each version of the configuration.
const known = new WeakMap<Settings, GroupRules>();

/** The rules of a group by these settings, made once. */
export function rulesOf(settings: Settings): GroupRules {
  const made = known.get(settings);
  if (made !== undefined) return made;
  const { config } = settings;
  const late = minuteDelay(settings);
  const offsetMs = pollOffsetMs(settings);
  const rules: GroupRules = {
    ...late,
    calendar: calendarOf(settings),
    sessions: config.sessions,
    settleDelayMs: late.planDelayMs + config.settle_delay_s * SECOND_MS,
    nextDelayMs: late.planDelayMs + offsetMs + AWAITED_TIMEOUTS * config.timeout_ms,
    pollOffsetMs: offsetMs,
    overlapMinutes: config.overlap_minutes,
    timeoutMs: config.timeout_ms,
    coldStartSessions: config.cold_start_sessions,
    jobPriority: config.job_priority,
  };
  known.set(settings, rules);
  return rules;
}
