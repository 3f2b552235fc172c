/** Object migrations of ProviderBreaker, append-only. What is hot is itty-durable's; this is history. */
export const PROVIDER_BREAKER_SCHEMA: readonly string[] = [
  // Health samples and routing decisions: small rows, so that a credit does not rewrite an hour.
  `CREATE TABLE sample (
     capability TEXT NOT NULL, minute INTEGER NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (capability, minute)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE decision (
     minute INTEGER NOT NULL, capability TEXT NOT NULL, signature TEXT NOT NULL,
     at INTEGER NOT NULL, jobs INTEGER NOT NULL, body TEXT NOT NULL,
     PRIMARY KEY (minute, capability, signature)
   ) STRICT, WITHOUT ROWID`,
  // Symbols that the provider called malformed: rows of their own, for they change once a day.
  `CREATE TABLE bad_symbol (
     symbol TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID`,
];
