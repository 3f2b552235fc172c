/**
 * Symbols that the exchanges reserve for tests: they print made-up trades in live feeds. Sources: the
 * test issues of Nasdaq's symbol directory, of the NYSE group, Cboe and IEX.
 */
const RESERVED =
  /^(?:Z[A-Z]ZZT|[ACMNP]TEST|ZTEST|ZBZX|ZVV|ZEXIT|ZIEXT|ZXIET|ZXYZ|CBO|CBX|IGZ)(?:\.|$)/;

/** What their names say. Real names have "test" too (`Aehr Test Systems`): only these words count. */
const NAMED =
  /\btest (?:common|company|group|issue|stock|sym|symbol|one|six)\b|\b(?:tick|test) pilot test\b|\bsymbology test\b|\(listing market\b/i;

/** Whether a listed symbol is a test issue of an exchange, which must never be served. */
export function isTestIssue(symbol: string, name: string | null): boolean {
  return RESERVED.test(symbol) || (name !== null && NAMED.test(name));
}
