import type { Channel } from "../contracts/stream.ts";
import type { BarEvent } from "./events.ts";

/** What a client asked for. */
export interface Selection {
  readonly channels: readonly Channel[];
  /** Canonical symbols, or `*` for the whole universe. */
  readonly symbols: ReadonlySet<string> | "*";
  /** Whether revisions are wanted, or first beliefs only. */
  readonly rev: "all" | "first";
}

/** Whether a symbol is one of the client's own. */
export function ownsSymbol({ symbols }: Selection, symbol: string): boolean {
  return symbols === "*" || symbols.has(symbol);
}

/** Whether a bar belongs to a selection. */
export function selects(
  selection: Selection,
  bar: Pick<BarEvent, "channel" | "symbol" | "revision">,
): boolean {
  return (
    selection.channels.includes(bar.channel) &&
    ownsSymbol(selection, bar.symbol) &&
    (selection.rev === "all" || bar.revision === 0)
  );
}
