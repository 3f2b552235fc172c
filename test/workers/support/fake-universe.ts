import { INT4, parseArray, result, TEXT, timestamp, TIMESTAMPTZ } from "./sql-wire.ts";

/** A symbol of the universe table. */
export interface FakeMember {
  readonly symbol: string;
  readonly sid: number;
  readonly group: number;
  /** T0 unless it is said. */
  readonly tier?: "T0" | "T1" | "T2";
  readonly reusedOn?: string;
}

type Args = readonly (string | null)[];

const KNOWN_FIELDS = [
  ["symbol", TEXT],
  ["sid", INT4],
  ["name", TEXT],
  ["exchange", TEXT],
  ["type", TEXT],
  ["tier", TEXT],
  ["figi", TEXT],
  ["first_seen", TEXT],
  ["renamed_from", TEXT],
  ["version", INT4],
  ["as_of", TIMESTAMPTZ],
] as const;

/** The active symbols and their groups. */
export function listActive(members: readonly FakeMember[]) {
  return result(
    [
      ["symbol", TEXT],
      ["group", INT4],
    ],
    members.map((member) => [member.symbol, String(member.group)]),
  );
}

/** The symbols of a group or of all, from one on. */
export function listFrom(members: readonly FakeMember[], [group, from]: Args) {
  const symbols = members
    .filter((member) => group === null || member.group === Number(group))
    .map(({ symbol }) => symbol)
    .filter((symbol) => symbol >= (from ?? ""));
  return result(
    [["symbol", TEXT]],
    symbols.toSorted().map((symbol) => [symbol]),
  );
}

/** The symbols of a tier: here they are all of one. */
export function listTier(members: readonly FakeMember[]) {
  const symbols = members.map(({ symbol }) => [symbol]);
  return result([["symbol", TEXT]], symbols);
}

/** The tiers of the asked symbols that are known. */
export function listTiers(members: readonly FakeMember[], args: Args) {
  const asked = new Set(parseArray(args[0] ?? "{}"));
  const known = members.filter(({ symbol }) => asked.has(symbol));
  return result(
    [
      ["symbol", TEXT],
      ["tier", TEXT],
    ],
    known.map(({ symbol, tier = "T0" }) => [symbol, tier]),
  );
}

/** A group's members. */
export function listMembers(members: readonly FakeMember[], args: Args) {
  const own = members.filter((member) => member.group === Number(args[0]));
  return result(
    [
      ["symbol", TEXT],
      ["sid", INT4],
      ["tier", TEXT],
      ["reused_on", TEXT],
    ],
    own.map((member) => [
      member.symbol,
      String(member.sid),
      member.tier ?? "T0",
      member.reusedOn ?? null,
    ]),
  );
}

/** Of the asked symbols those that nobody ever listed. */
export function listUnknown(members: readonly FakeMember[], args: Args) {
  const known = new Set(members.map(({ symbol }) => symbol));
  const unknown = parseArray(args[0] ?? "{}").filter((symbol) => !known.has(symbol));
  return result(
    [["symbol", TEXT]],
    unknown.map((symbol) => [symbol]),
  );
}

/** All members as they were known at whatever time. */
export function listKnown(members: readonly FakeMember[], args: Args) {
  const [, tier, after, limit] = args;
  const rows = members
    .filter((member) => member.symbol > (after ?? ""))
    .filter((member) => tier === null || (member.tier ?? "T0") === tier)
    .toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))
    .slice(0, Number(limit));
  return result(
    KNOWN_FIELDS,
    rows.map(({ symbol, sid, tier: own = "T0" }) => [
      symbol,
      String(sid),
      symbol,
      "XNAS",
      "COMMON",
      own,
      null,
      "2026-03-20",
      null,
      "1",
      timestamp(0),
    ]),
  );
}
