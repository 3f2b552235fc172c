import type { SpelledRow } from "../listed-symbol.ts";
import type { AlpacaAsset } from "./schema.ts";

/** Alpaca's exchange names as operating MICs (trading API, Assets schema). */
const MICS: Readonly<Record<string, string>> = {
  NASDAQ: "XNAS",
  NYSE: "XNYS",
  AMEX: "XASE",
  ARCA: "ARCX",
  NYSEARCA: "ARCX",
  BATS: "BATS",
  OTC: "OOTC",
};

/** The active US equities of a list. No numbers; type and FIGI are not in it. An unknown exchange is null. */
export function toSpelledRows(assets: readonly AlpacaAsset[]): SpelledRow[] {
  return assets
    .filter((asset) => asset.class === "us_equity" && asset.status === "active")
    .map((asset) => ({
      listedAs: asset.symbol,
      name: asset.name ?? null,
      exchange: MICS[asset.exchange] ?? null,
      type: null,
      figi: null,
    }));
}
