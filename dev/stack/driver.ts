import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { EpochMs } from "../../src/domain/time.ts";
import { floorToMinute, MINUTE_MS } from "../../src/domain/time.ts";
import { isTick, isTicking, nextTickMs, type TickHours } from "./tick-hours.ts";

const STEP_TIMEOUT_MS = 120_000;

const stepAnswerSchema = z.object({ next_due_ms: z.number().nullable() });

export interface DriverOptions {
  readonly hours: TickHours;
  readonly key: string;
  /** Market seconds a wall second at most; Infinity runs as fast as the machine can. */
  readonly speed: number;
  readonly startMs: EpochMs;
  /** Told each new market time before anything acts on it. */
  readonly onTime: (nowMs: EpochMs) => void;
}

/**
 * Steps market time, closed loop: it sets the time to the next instant at which anything is due, and
 * goes on when the stack has come to rest. A slow machine makes a session longer, not wrong. Closed
 * hours are jumped.
 */
export class MarketDriver {
  #options: DriverOptions;
  #nowMs: EpochMs;
  #nextDueMs: EpochMs | null = null;
  #pacedFrom: { wallMs: number; marketMs: EpochMs };

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#nowMs = options.startMs;
    this.#pacedFrom = { wallMs: performance.now(), marketMs: options.startMs };
    options.onTime(options.startMs);
  }

  get nowMs(): EpochMs {
    return this.#nowMs;
  }

  /** The next instant at which something is due: a cron minute or a duty of a group. */
  nextInstantMs(): EpochMs {
    const tickMs = nextTickMs(this.#options.hours, this.#nowMs);
    return this.#nextDueMs === null
      ? tickMs
      : Math.min(tickMs, Math.max(this.#nextDueMs, this.#nowMs + 1));
  }

  /** Goes to the next instant, at most to `untilMs`, and returns the market time reached. */
  async step(
    serviceUrl: string,
    untilMs: EpochMs = Infinity,
    signal?: AbortSignal,
  ): Promise<EpochMs> {
    const nextMs = Math.min(this.nextInstantMs(), untilMs);
    await this.#pace(nextMs, signal);
    await this.#act(serviceUrl, nextMs);
    return nextMs;
  }

  /**
   * Acts at the present market time: at the start, or again after a restart of the service, which
   * forgot it. The cron tick of the running minute comes with it, so that the groups know their members.
   */
  async begin(serviceUrl: string): Promise<void> {
    this.#options.onTime(this.#nowMs);
    await this.#postStep(serviceUrl, this.#nowMs);
    if (isTicking(this.#options.hours, this.#nowMs))
      await this.#tick(serviceUrl, floorToMinute(this.#nowMs));
    this.#nextDueMs = await this.#postStep(serviceUrl, this.#nowMs);
  }

  async #act(serviceUrl: string, nowMs: EpochMs): Promise<void> {
    this.#nowMs = nowMs;
    this.#options.onTime(nowMs);
    if (isTick(this.#options.hours, nowMs)) await this.#tick(serviceUrl, nowMs);
    this.#nextDueMs = await this.#postStep(serviceUrl, nowMs);
  }

  async #tick(serviceUrl: string, nowMs: EpochMs): Promise<void> {
    const query = new URLSearchParams({ cron: "* * * * *", time: String(nowMs) });
    const response = await request(
      `${serviceUrl}/cdn-cgi/handler/scheduled?${query.toString()}`,
      {},
    );
    const text = await response.text();
    if (!response.ok)
      throw new Error(`cron was answered with ${response.status}: ${text.slice(0, 300)}`);
  }

  async #postStep(serviceUrl: string, nowMs: EpochMs): Promise<EpochMs | null> {
    const response = await request(`${serviceUrl}/dev/step`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#options.key}` },
      body: JSON.stringify({ now: nowMs }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`a step was answered with ${response.status}: ${text.slice(0, 300)}`);
    return stepAnswerSchema.parse(JSON.parse(text)).next_due_ms;
  }

  /** Waits until the wall clock allows the instant; a jump over closed hours is not waited for. */
  async #pace(nextMs: EpochMs, signal?: AbortSignal): Promise<void> {
    const { speed } = this.#options;
    if (!Number.isFinite(speed)) return;
    if (nextMs - this.#nowMs > 10 * MINUTE_MS) {
      this.#pacedFrom = { wallMs: performance.now(), marketMs: nextMs };
      return;
    }
    const dueWallMs = this.#pacedFrom.wallMs + (nextMs - this.#pacedFrom.marketMs) / speed;
    const waitMs = dueWallMs - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

function request(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(STEP_TIMEOUT_MS) });
}
