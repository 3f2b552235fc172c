import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { SymbolRange } from "../contracts/backfill.ts";
import type { StreamClass } from "../contracts/flush.ts";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { PartEnd } from "../contracts/rlc-desk.ts";
import type { Channel } from "../contracts/stream.ts";
import type { Task } from "../contracts/tasks.ts";
import type { ListedMember } from "../domain/roster.ts";
import type { EpochMs } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import type { SendBatch } from "../platform/metric-batch.ts";
import type { DrainDeps } from "./drain.ts";
import type { FollowersDeps } from "./followers.ts";
import type { HoleDeskDeps } from "./hole-desk.ts";
import type { GroupRules } from "./group-rules.ts";
import type { Ledger } from "./ledger.ts";
import type { QuoteBook } from "./quote-book.ts";
import type { StoredPosition } from "./realign.ts";
import type { PlannedTask } from "./service-duties.ts";

/** What the home side of a group needs of its object and of the rest of the service. */
export interface GroupHomeDeps {
  readonly group: number;
  readonly storage: DurableObjectStorage;
  readonly ledger: Ledger;
  readonly quotes: QuoteBook;
  readonly rules: () => GroupRules;
  /** Brings the rules up to date: for what goes on after it has waited for others. */
  readonly renewRules: () => Promise<void>;
  /** The lowest versions of the configuration that were acted by lately; null: nobody acted. */
  readonly configVersions: () => Readonly<Record<"group" | "runner", number | null>>;
  /** The runner has run a job of this group by this version. */
  readonly noteRunner: (version: number | undefined) => void;
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly random: () => number;
  readonly keepAlive: (work: Promise<void>) => void;
  /** Runs a job in an invocation of its own; it ends by calling `ingest`. */
  readonly runJob: (job: GroupFetch) => Promise<void>;
  /** Offers holes to the queue of a tier. */
  readonly offer: HoleDeskDeps["offer"];
  /** Runs a task of the whole service in an invocation of its own; it ends by calling `taskEnded`. */
  readonly runTask: (task: Task) => Promise<void>;
  /** The tasks of the whole service that a cron tick makes due. */
  readonly planTasks: (tickMs: EpochMs) => readonly PlannedTask[];
  /** Tells group g00 how a part of a coordinator's jobs has ended. */
  readonly reportPart: (end: PartEnd) => Promise<void>;
  readonly loadMembers: () => Promise<readonly ListedMember[]>;
  readonly drain: Pick<DrainDeps, "write" | "tryOut" | "classify">;
  /** Where Postgres stands in a stream of this group; null: it knows nothing of it. */
  readonly storedPosition: (streamClass: StreamClass) => Promise<StoredPosition | null>;
  /** The holes of this group's symbols as Postgres has them. */
  readonly storedHoles: () => Promise<readonly SymbolRange[]>;
  readonly raiseStoredAsOf: (epoch: string, fs: number, asOf: EpochMs) => Promise<EpochMs | null>;
  readonly deliver: FollowersDeps["deliver"];
  readonly sweepHost: () => Promise<void>;
  readonly connections: () => number;
  /** How many of the connections take each channel. */
  readonly channels: () => ReadonlyMap<Channel, number>;
  readonly report: SendBatch;
}
