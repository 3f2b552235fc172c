/** Keys that the service makes begin so. */
export const MADE_KEY_PREFIX = "mds_";

/** The variables whose values are secrets: what `wrangler secret put` sets. */
export const SECRET_VARIABLES = [
  "DATABASE_URL",
  "BOOTSTRAP_KEY",
  "POLYGON_API_KEY",
  "ALPACA_KEY_ID",
  "ALPACA_SECRET_KEY",
  "FINNHUB_TOKEN",
  "IEX_KEY_ID",
  "IEX_SECRET",
  "RLC_TOKEN",
] as const;

const HIDDEN = "[secret]";
/** What is shorter can't be told from words that stand in a text for another reason. */
const MIN_SECRET_CHARS = 8;
/** A deployment has about a dozen, each in a few spellings; an isolate of tests sees several deployments. */
const MAX_SECRETS = 400;

/** Made keys, and what follows the words by which a secret travels, whether or not it is one of ours. */
const PATTERNS: readonly [RegExp, string][] = [
  [new RegExp(`\\b${MADE_KEY_PREFIX}[A-Za-z0-9_-]{20,}`, "g"), HIDDEN],
  // Shorter: the placeholder of a manual, as in "Bearer KEY".
  [/\bBearer\s+[^\s"',;]{12,}/gi, `Bearer ${HIDDEN}`],
  [/\b(postgres(?:ql)?:\/\/)[^\s"']+/gi, `$1${HIDDEN}`],
];

// Of this isolate: what its settings hold, longest first, so that none is cut by a part of it.
let known: readonly string[] = [];

/** The secrets of an environment are hidden in every log line, error text and problem from here on. */
export function rememberSecretsOf(variables: ReadonlyMap<string, unknown>): void {
  const values = SECRET_VARIABLES.map((name) => variables.get(name));
  const texts = values.filter((value) => typeof value === "string");
  rememberSecrets([...texts, ...texts.flatMap(passwordsOf)]);
}

/** A password of a database's address is told by itself, too, as it stands there and as it is meant. */
function passwordsOf(text: string): string[] {
  const password = URL.parse(text)?.password ?? "";
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

function rememberSecrets(secrets: readonly string[]): void {
  const spellings = secrets
    .filter((secret) => secret.length >= MIN_SECRET_CHARS)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  known = [...new Set([...spellings, ...known])]
    .slice(0, MAX_SECRETS)
    .toSorted((a, b) => b.length - a.length);
}

/** The text without secrets. */
export function hideSecrets(text: string): string {
  let hidden = text;
  for (const secret of known) hidden = hidden.replaceAll(secret, HIDDEN);
  for (const [pattern, instead] of PATTERNS) hidden = hidden.replaceAll(pattern, instead);
  return hidden;
}
