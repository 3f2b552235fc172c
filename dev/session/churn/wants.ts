import { drawsOf } from "./churn-plan.ts";

/** Symbols of a channel: `*` is the whole universe, an empty list nothing. */
export type Choice = "*" | readonly string[];

/** What a client wants of the stream. */
export interface Want {
  readonly bars: Choice;
  readonly quotes: Choice;
}

/** `*`, many symbols, few, or few with their quotes. */
type WantKind = "star" | "many" | "few" | "quotes";
/** Kinds in turn: 4 % of the clients take everything, 16 % many symbols, 60 % few, 20 % quotes beside. */
const FIVE = ["few", "quotes", "few", "few", "many"] as const;
const KINDS: readonly WantKind[] = [
  ...(["star", "many", "quotes"] as const),
  ...([...FIVE, "few", ...FIVE, "few", ...FIVE] as const),
  ...(["few", "few", "few", "few", "quotes"] as const),
];

/** So many clients share a list of symbols, as the programs of one desk do. */
const CLIENTS_A_LIST = 8;
const MAX_FEW = 8;
const MANY = { least: 0.05, most: 0.12 } as const;
/** Every so many clients of quotes takes those of the whole universe. */
const STAR_QUOTES_EVERY = 5;
const CHANGED_PART = 0.25;

/** Whether a client follows so much that a long absence is more than a socket replays. */
export function isHeavy(index: number): boolean {
  return kindOf(index) === "star" || kindOf(index) === "many";
}

/** What client `index` wants at first: the same for the same seed. */
export function wantOf(seed: number, index: number, universe: readonly string[]): Want {
  const kind = kindOf(index);
  if (kind === "star") return { bars: "*", quotes: [] };
  const draw = drawsOf(seed ^ 0x5eed, KINDS.indexOf(kind) + Math.floor(index / CLIENTS_A_LIST) * 4);
  const count =
    kind === "many"
      ? Math.ceil((MANY.least + (MANY.most - MANY.least) * draw()) * universe.length)
      : 1 + Math.floor(draw() * MAX_FEW);
  const bars = pick(universe, count, draw);
  if (kind !== "quotes") return { bars, quotes: [] };
  return { bars, quotes: index % STAR_QUOTES_EVERY === 0 ? "*" : bars };
}

/** A quarter of the symbols of bars, one at least, given up for as many others; `drawn` in [0, 1). */
export function changedWant(want: Want, universe: readonly string[], drawn: number): Want {
  if (want.bars === "*") return want;
  const draw = drawsOf(Math.floor(drawn * 0x7fff_ffff), 0);
  const count = Math.max(1, Math.round(want.bars.length * CHANGED_PART));
  const removed = new Set(pick(want.bars, count, draw));
  const kept = want.bars.filter((symbol) => !removed.has(symbol));
  const mine = new Set(want.bars);
  const others = universe.filter((symbol) => !mine.has(symbol));
  const bars = [...kept, ...pick(others, removed.size, draw)];
  return { ...want, bars: bars.length > 0 ? bars : want.bars };
}

function kindOf(index: number): WantKind {
  return KINDS[index % KINDS.length] ?? "few";
}

/** Different ones of a list, at most `count`. */
function pick(from: readonly string[], count: number, draw: () => number): string[] {
  const rest = [...from];
  const picked: string[] = [];
  while (picked.length < count && rest.length > 0) {
    const at = Math.floor(draw() * rest.length);
    picked.push(...rest.slice(at, at + 1));
    const last = rest.pop();
    if (last !== undefined && at < rest.length) rest[at] = last;
  }
  return picked;
}
