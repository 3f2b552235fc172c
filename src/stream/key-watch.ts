import { BOOTSTRAP_ID, type KeyGrant, MAX_ASKED_KEYS } from "../contracts/keys.ts";
import { CLOSE_CODES } from "../contracts/stream.ts";
import { keyStanding } from "../keys/key-standing.ts";
import { errorText, log } from "../platform/log.ts";
import type { Connection } from "./connection.ts";
import type { CloseConnection } from "./reader-watch.ts";

/** What judging the keys of connections needs: the book of keys, and the machine's time. */
export interface KeyWatchDeps {
  readonly grants: (ids: readonly string[]) => Promise<readonly KeyGrant[]>;
  readonly wallNow: () => number;
}

/**
 * Ends the connections of keys that have been revoked or have expired, at each sweep of their host: within about
 * a minute. While the book does not answer, connections stay and only the ends that are known count.
 */
export class KeyWatch {
  readonly #deps: KeyWatchDeps;
  #known = new Map<string, KeyGrant>();

  constructor(deps: KeyWatchDeps) {
    this.#deps = deps;
  }

  async sweep(connections: readonly Connection[], close: CloseConnection): Promise<void> {
    const ids = new Set(connections.map(({ key }) => key));
    // A connection of before there were keys has none; what the secret opened is not for a book to end.
    for (const id of ["", BOOTSTRAP_ID]) ids.delete(id);
    const asked = await this.#ask([...ids].slice(0, MAX_ASKED_KEYS));
    for (const connection of connections) {
      const why = this.#whyEnded(connection.key, asked);
      if (why !== null) close(connection, CLOSE_CODES.forced, why, "sent");
    }
  }

  /** Learns how the keys stand; answers those of which all is known now. */
  async #ask(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) {
      this.#known.clear();
      return new Set();
    }
    try {
      const grants = await this.#deps.grants(ids);
      this.#known = new Map(grants.map((grant) => [grant.id, grant]));
      return new Set(ids);
    } catch (error) {
      log("warn", "the keys of connections could not be looked up", { error: errorText(error) });
      return new Set();
    }
  }

  #whyEnded(id: string, asked: ReadonlySet<string>): string | null {
    const grant = this.#known.get(id);
    if (grant === undefined) return asked.has(id) ? "the key is no longer there" : null;
    const standing = keyStanding(grant, this.#deps.wallNow());
    if (standing === "valid") return null;
    return standing === "revoked" ? "the key was revoked" : "the key has expired";
  }
}
