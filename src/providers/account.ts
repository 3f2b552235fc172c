import { PROVIDER_IDS, type ProviderId } from "../domain/provider-id.ts";
import { fnv1a32 } from "../domain/symbol.ts";
import type { Settings } from "../env.ts";

type Accounts = Pick<Settings, ProviderId>;

/**
 * Providers that share host and key (iex on Alpaca's) have one quota: the first of them in the order of
 * `PROVIDER_IDS` keeps the credits of all. One without a key keeps its own, which are none.
 */
export function creditOwner(id: ProviderId, accounts: Accounts): ProviderId {
  return PROVIDER_IDS.find((other) => sharesAccount(id, other, accounts)) ?? id;
}

/** The other providers on the host and key of this one: when it can't be reached, nor can they. */
export function hostMates(id: ProviderId, accounts: Accounts): ProviderId[] {
  return PROVIDER_IDS.filter((other) => other !== id && sharesAccount(id, other, accounts));
}

/**
 * A mark of host, key and plan: another one says that what was learned of the key's rights may be over.
 * 32 bits of a long random key give nothing of it away.
 */
export function accountMark(id: ProviderId, accounts: Accounts): number {
  const { polygon, alpaca, finnhub } = accounts;
  const plan = {
    polygon: polygon?.plan,
    alpaca: `${alpaca?.plan} ${alpaca?.feed}`,
    finnhub: finnhub?.plan,
    iex: "",
  }[id];
  return fnv1a32(`${accountOf(id, accounts)} ${plan}`);
}

function sharesAccount(one: ProviderId, other: ProviderId, accounts: Accounts): boolean {
  const account = accountOf(one, accounts);
  return account !== null && account === accountOf(other, accounts);
}

/** Host and key as one text, to compare; null without a key. Never stored nor shown. */
function accountOf(id: ProviderId, { polygon, alpaca, finnhub, iex }: Accounts): string | null {
  switch (id) {
    case "polygon":
      return polygon && accountText(polygon.baseUrl, polygon.apiKey);
    case "alpaca":
      return alpaca && accountText(alpaca.baseUrl, alpaca.keyId);
    case "finnhub":
      return finnhub && accountText(finnhub.baseUrl, finnhub.token);
    case "iex":
      return iex && accountText(iex.baseUrl, iex.keyId);
  }
}

function accountText(baseUrl: string, key: string): string {
  return `${new URL(baseUrl).host} ${key}`;
}
