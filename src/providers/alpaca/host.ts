/** Where assets and the calendar are when nothing else is configured; live keys need the live host. */
export const DEFAULT_TRADING_URL = "https://paper-api.alpaca.markets";

/** Where one of Alpaca's hosts is and how to sign in: the same keys for data and trading host. */
export interface AlpacaHost {
  readonly baseUrl: string;
  readonly keyId: string;
  readonly secret: string;
}

/** The URL of a path on the host. */
export function urlOn(host: AlpacaHost, path: string, query: URLSearchParams): string {
  return `${host.baseUrl.replace(/\/+$/, "")}${path}?${query.toString()}`;
}

/** The headers that sign a call. */
export function keyHeaders(host: AlpacaHost): Record<string, string> {
  return { "APCA-API-KEY-ID": host.keyId, "APCA-API-SECRET-KEY": host.secret };
}
