import type { ChurnClient, ChurnShared } from "./churn-client.ts";
import { type Account, accountOf, type Owed } from "./owed.ts";
import type { HandoffReason } from "./resume-tally.ts";

/** Of the streams that were in the buffer so many, in per cent, have to come by the socket. */
const MIN_RECOVERED_PCT = 95;

/** What a churn run came to beside rows: how clients dropped, and how each resumed stream came out. */
export interface ChurnFacts {
  readonly seed: number;
  readonly restarts: number;
  /** Sockets that ended: closed and cut by their clients, and by close code those that were ended on them. */
  readonly drops: {
    readonly closed: number;
    readonly cut: number;
    readonly others: Readonly<Record<string, number>>;
  };
  /** Changes of symbols, on a connection or while away. */
  readonly changes: number;
  /** Streams of bars that came to be resumed: those of `recovered`, `handed_off` and `unproven`. */
  readonly resumed: number;
  readonly inside_buffer: number;
  readonly recovered: number;
  readonly recovered_pct: number;
  readonly handed_off: Readonly<Record<HandoffReason, number>>;
  readonly handed_off_by: { readonly diff: number; readonly replay: number };
  readonly unproven: number;
  readonly interrupted: number;
  readonly snapshots: number;
  readonly epochs: number;
  readonly refused: number;
  /** Flushes that Postgres has and a client did not get to, and that came twice. */
  readonly lost_flushes: number;
  readonly duplicate_flushes: number;
  /** Rows that came and were not owed. */
  readonly unowed: number;
  /** Flushes that clients got, and how many of them were parsed. */
  readonly flushes: number;
  readonly flushes_parsed: number;
  readonly peak_rss_mb: number;
}

/** Counts of all clients, and the faults in words. */
export interface ChurnResult {
  readonly clients: number;
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicate: number;
  readonly facts: ChurnFacts;
  readonly faults: readonly string[];
}

/** A crowd that has caught up. */
export interface CaughtUpCrowd {
  readonly clients: readonly ChurnClient[];
  readonly owed: Owed;
  readonly seed: number;
  readonly restarts: number;
  readonly shared: ChurnShared;
  readonly lostFlushes: number;
  readonly peakRssMb: number;
}

/** Holds what each client got against what it was owed, and judges how it came. */
export function churnResult(crowd: CaughtUpCrowd): ChurnResult {
  const accounts = crowd.clients.map(({ book }) =>
    accountOf(book.tenures(), book.marks, crowd.owed),
  );
  const sum = (pick: (account: Account) => number) =>
    accounts.reduce((total, account) => total + pick(account), 0);
  const facts = factsOf(
    crowd,
    sum(({ unowed }) => unowed),
  );
  const ofClients = crowd.clients.flatMap((client, at) => clientFaults(client, accounts[at]));
  return {
    clients: crowd.clients.length,
    expected: sum(({ expected }) => expected),
    delivered: sum(({ delivered }) => delivered),
    lost: sum(({ lost }) => lost),
    duplicate: sum(({ duplicate }) => duplicate),
    facts,
    faults: [...churnFaults(facts, crowd.shared.tally), ...ofClients],
  };
}

function factsOf(crowd: CaughtUpCrowd, unowed: number): ChurnFacts {
  const { tally, drops, reader } = crowd.shared;
  const handedOff = Object.values(tally.handedOff).reduce((sum, count) => sum + count, 0);
  return {
    seed: crowd.seed,
    restarts: crowd.restarts,
    drops: { ...drops, others: Object.fromEntries(drops.others) },
    changes: tally.changes,
    resumed: tally.recovered + handedOff + tally.unproven,
    inside_buffer: tally.insideBuffer(),
    recovered: tally.recovered,
    recovered_pct: tally.recoveredPct(),
    handed_off: tally.handedOff,
    handed_off_by: tally.by,
    unproven: tally.unproven,
    interrupted: tally.interrupted,
    snapshots: tally.snapshots,
    epochs: tally.epochs,
    refused: tally.refused,
    lost_flushes: crowd.lostFlushes,
    duplicate_flushes: crowd.clients.reduce((sum, { book }) => sum + book.duplicateFlushes, 0),
    unowed,
    flushes: reader.read,
    flushes_parsed: reader.parsed,
    peak_rss_mb: crowd.peakRssMb,
  };
}

/** What of a churn run is a fault, whatever rows came. */
export function churnFaults(
  facts: ChurnFacts,
  tally: { readonly faults: readonly string[]; readonly faultCount: number },
): string[] {
  const faults = [...tally.faults];
  if (tally.faultCount > faults.length)
    faults.push(`${tally.faultCount - faults.length} faults more`);
  const counted: readonly [count: number, says: string][] = [
    [facts.unproven, "resumed streams were neither verified nor handed off"],
    [facts.lost_flushes, "flushes did not come"],
    [facts.duplicate_flushes, "flushes came twice"],
    [facts.unowed, "rows came that nobody owed"],
  ];
  for (const [count, says] of counted) if (count > 0) faults.push(`${count} ${says}`);
  if (facts.recovered_pct < MIN_RECOVERED_PCT)
    faults.push(
      `${facts.recovered_pct} % of the streams inside the buffer came by the socket, not ${MIN_RECOVERED_PCT} %`,
    );
  if (facts.resumed === 0) faults.push("nobody dropped and resumed");
  return faults;
}

function clientFaults({ name, book }: ChurnClient, account: Account | undefined): string[] {
  const faults: string[] = [];
  if (book.breaks > 0) faults.push(`${name}: ${book.breaks} breaks in flush numbers`);
  if (book.badManifests > 0)
    faults.push(`${name}: ${book.badManifests} manifests that do not add up`);
  if (account !== undefined && account.firstLost !== null)
    faults.push(`${name}: ${account.lost} rows lost, the first ${account.firstLost}`);
  if (account !== undefined && account.duplicate > 0)
    faults.push(`${name}: ${account.duplicate} rows came twice`);
  return faults;
}
