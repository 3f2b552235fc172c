import { z } from "zod";
import { holeAttemptSchema } from "../../../src/contracts/backfill.ts";
import { INT4, JSONB, parseArray, result, TEXT, timestamp, TIMESTAMPTZ } from "./sql-wire.ts";

/** A letter as the fake keeps it, times in ms. */
export interface FakeLetter {
  readonly id: string;
  readonly group: number;
  readonly symbol: string;
  readonly interval: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly tier: string;
  readonly priority: number;
  readonly attempts: number;
  readonly status: string;
  readonly reason: string;
  readonly lastError: string;
  readonly history: readonly z.infer<typeof holeAttemptSchema>[];
  readonly note: string | null;
  readonly enqueuedMs: number;
  readonly diedMs: number;
  readonly updatedMs: number;
}

type Args = readonly (string | null)[];

/** The dead letters of the fake Postgres, by id: as much of them as the routes need. */
export class FakeLetters {
  readonly rows = new Map<string, FakeLetter>();

  /** Answers the statements about `backfill_jobs`. */
  answer(query: string, args: Args) {
    if (query.startsWith("\ninsert")) return this.#store(args);
    if (query.includes("with edited as")) return letters(this.#edit(args));
    if (query.startsWith("update")) return this.#mark(args);
    if (query.includes("group by tier")) return this.#count();
    if (query.includes("group by 1, 2, 3")) return this.#stats();
    if (query.includes("where id = $1"))
      return letters(this.#all().filter(({ id }) => id === args[0]));
    if (query.includes("order by died_at, id")) return letters(this.#oldest(args));
    return letters(this.#page(args));
  }

  #all(): FakeLetter[] {
    return [...this.rows.values()];
  }

  #dead(): FakeLetter[] {
    return this.#all().filter(({ status }) => status === "dead");
  }

  #store(args: Args) {
    const column = (place: number) => parseArray(args[place - 1] ?? "{}");
    const at = (place: number, index: number) => column(place)[index] ?? "";
    column(1).forEach((id, index) => {
      const diedMs = Date.parse(at(14, index));
      if ((this.rows.get(id)?.diedMs ?? -1) >= diedMs) return;
      this.rows.set(id, {
        id,
        group: Number(at(2, index)),
        symbol: at(3, index),
        interval: at(4, index),
        startMs: Date.parse(at(5, index)),
        endMs: Date.parse(at(6, index)),
        tier: at(7, index),
        priority: Number(at(8, index)),
        attempts: Number(at(9, index)),
        status: "dead",
        reason: at(10, index),
        lastError: at(11, index),
        history: z.array(holeAttemptSchema).parse(JSON.parse(at(12, index))),
        note: null,
        enqueuedMs: Date.parse(at(13, index)),
        diedMs,
        updatedMs: Date.parse(args[14] ?? ""),
      });
    });
    return result([], []);
  }

  /** The letter alone: what is left out of its range is a matter of the real one. */
  #edit([id, priority, note, start, end, now]: Args): FakeLetter[] {
    const known = this.rows.get(id ?? "");
    if (known?.status !== "dead") return [];
    const [startMs = 0, endMs = 0, updatedMs = 0] = [start, end, now].map((at) =>
      Date.parse(at ?? ""),
    );
    const range = { startMs, endMs, updatedMs };
    const edited = { ...known, priority: Number(priority), note: note ?? null, ...range };
    this.rows.set(known.id, edited);
    return [edited];
  }

  #mark([ids, deaths, status, now]: Args) {
    const died = parseArray(deaths ?? "{}").map((at) => Date.parse(at));
    const changed = parseArray(ids ?? "{}").flatMap((id, index) => {
      const known = this.rows.get(id);
      if (known?.status !== "dead" || known.diedMs !== died[index]) return [];
      this.rows.set(id, { ...known, status: status ?? "", updatedMs: Date.parse(now ?? "") });
      return [[id]];
    });
    return result([["id", TEXT]], changed);
  }

  #count() {
    const byTier = Map.groupBy(this.#dead(), ({ tier }) => tier);
    return result(
      [
        ["tier", TEXT],
        ["letters", INT4],
      ],
      [...byTier].map(([tier, own]) => [tier, String(own.length)]),
    );
  }

  /** Each letter a row of its own, as if it had died just now. */
  #stats() {
    return result(
      [
        ["tier", TEXT],
        ["reason", TEXT],
        ["age", TEXT],
        ["letters", INT4],
        ["oldest", TIMESTAMPTZ],
      ],
      this.#dead().map(({ tier, reason, diedMs }) => [
        tier,
        reason,
        "under_1h",
        "1",
        timestamp(diedMs),
      ]),
    );
  }

  #oldest([tier, limit]: Args): FakeLetter[] {
    return this.#dead()
      .filter((letter) => letter.tier === tier)
      .toSorted((a, b) => a.diedMs - b.diedMs || (a.id < b.id ? -1 : 1))
      .slice(0, Number(limit));
  }

  #page([status, tier, reason, beforeAt, beforeId, limit]: Args): FakeLetter[] {
    const beforeMs = typeof beforeAt === "string" ? Date.parse(beforeAt) : Infinity;
    return this.#all()
      .filter((letter) => letter.status === status)
      .filter((letter) => typeof tier !== "string" || letter.tier === tier)
      .filter((letter) => typeof reason !== "string" || letter.reason === reason)
      .filter(
        ({ diedMs, id }) => diedMs < beforeMs || (diedMs === beforeMs && id < (beforeId ?? "")),
      )
      .toSorted((a, b) => b.diedMs - a.diedMs || (a.id < b.id ? 1 : -1))
      .slice(0, Number(limit));
  }
}

const FIELDS = [
  ["id", TEXT],
  ["group", INT4],
  ["symbol", TEXT],
  ["interval", TEXT],
  ["from_ts", TIMESTAMPTZ],
  ["to_ts", TIMESTAMPTZ],
  ["tier", TEXT],
  ["priority", INT4],
  ["attempts", INT4],
  ["status", TEXT],
  ["reason", TEXT],
  ["last_error", TEXT],
  ["history", JSONB],
  ["note", TEXT],
  ["enqueued_at", TIMESTAMPTZ],
  ["died_at", TIMESTAMPTZ],
  ["updated_at", TIMESTAMPTZ],
] as const;

function letters(found: readonly FakeLetter[]) {
  return result(
    FIELDS,
    found.map((letter) => [
      letter.id,
      String(letter.group),
      letter.symbol,
      letter.interval,
      timestamp(letter.startMs),
      timestamp(letter.endMs),
      letter.tier,
      String(letter.priority),
      String(letter.attempts),
      letter.status,
      letter.reason,
      letter.lastError,
      JSON.stringify(letter.history),
      letter.note,
      timestamp(letter.enqueuedMs),
      timestamp(letter.diedMs),
      timestamp(letter.updatedMs),
    ]),
  );
}
