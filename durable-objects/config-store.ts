import { DurableObject } from "cloudflare:workers";
import { ConfigBook } from "../src/config/config-book.ts";
import type {
  ConfigProposal,
  ConfigStamp,
  ConfigState,
  ConfigVersion,
  SwapAnswer,
} from "../src/contracts/config-version.ts";
import {
  type KeyGrant,
  keyIdsSchema,
  type KeyLookup,
  keyLookupSchema,
  type KeyMade,
  type KeyPage,
  type KeyRecord,
  type KeyUse,
  keyUsesSchema,
  type NewKey,
  newKeySchema,
  type Rotation,
  rotationSchema,
} from "../src/contracts/keys.ts";
import type { ProviderId } from "../src/domain/provider-id.ts";
import { readSettings } from "../src/env.ts";
import { KeyBook } from "../src/keys/key-book.ts";
import { type Act, ActLog, type ActPlace, type NumberedAct } from "../src/platform/act-log.ts";
import { wallClock } from "../src/platform/clocks.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import type { Isolation, IsolationAct } from "../src/routing/isolation.ts";
import { IsolationStore } from "../src/routing/isolation-store.ts";
import { CONFIG_STORE_SCHEMA } from "./sqlite/config-store-schema.ts";

/** What a pin was found to be: `ok` when the deployment runs with the value that it started with. */
export interface PinCheck {
  readonly ok: boolean;
  readonly pinned: string;
}

/**
 * The atom of the deployment's configuration: the pins (values that are fixed when the deployment
 * first starts, because data has been placed by them), the versions of the configuration, the providers
 * that a person isolated, and the API keys (their digests), with who did what when. All of it is durable.
 * SloMonitor copies the last to Postgres, for here only the last acts are kept.
 */
export class ConfigStore extends DurableObject<Env> {
  #isolations: IsolationStore;
  #book: ConfigBook;
  #keys: KeyBook;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateObject(ctx.storage, CONFIG_STORE_SCHEMA);
    this.#isolations = new IsolationStore(ctx.storage);
    this.#book = new ConfigBook(ctx.storage);
    this.#keys = new KeyBook(ctx.storage);
  }

  /** Pins a value at the first call; later calls say whether the same value is still asked for. */
  async pin(name: string, value: string): Promise<PinCheck> {
    const { sql } = this.ctx.storage;
    sql.exec(
      "INSERT INTO pin (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
      name,
      value,
    );
    const { value: pinned } = sql
      .exec<{ value: string }>("SELECT value FROM pin WHERE name = ?", name)
      .one();
    return { ok: pinned === value, pinned };
  }

  /** The configuration that is in force; without its body for whoever has it already. */
  async configState(known: ConfigStamp | null): Promise<ConfigState> {
    return this.#configs().state(known);
  }

  /** Makes a configuration the active one, if the expected version still is; audited. */
  async swapConfig(proposal: ConfigProposal): Promise<SwapAnswer> {
    return this.#configs().swap(proposal, wallClock.now());
  }

  /** A version by its number; null when there is none, or none any more. */
  async configVersion(version: number): Promise<ConfigVersion | null> {
    return this.#configs().find(version);
  }

  /** Versions before one (null: from the newest on), newest first. */
  async configVersions(before: number | null, limit: number): Promise<ConfigVersion[]> {
    return this.#configs().list(before, limit);
  }

  /** Whether a provider is isolated. */
  async isolation(provider: ProviderId): Promise<Isolation> {
    return this.#isolations.read(provider);
  }

  /** Isolates a provider, or only renews the reason of one that is isolated already. */
  async isolate(provider: ProviderId, reason: string | null, actor: string): Promise<Isolation> {
    return this.#isolations.isolate(provider, { reason, actor, atMs: wallClock.now() });
  }

  /** Lets a provider go; one that is not isolated stays as it is. */
  async release(provider: ProviderId, reason: string | null, actor: string): Promise<Isolation> {
    return this.#isolations.release(provider, { reason, actor, atMs: wallClock.now() });
  }

  /** The last acts on a provider, newest first. */
  async isolationActs(provider: ProviderId, limit: number): Promise<IsolationAct[]> {
    return this.#isolations.acts(provider, limit);
  }

  /** The acts of all kinds behind one, oldest first; from the oldest on when that one does not stand here. */
  async auditAfter(place: ActPlace | null, limit: number): Promise<NumberedAct[]> {
    return new ActLog(this.ctx.storage.sql).after(place, limit);
  }

  /** Keeps a new key by its digest. */
  async makeKey(key: NewKey, actor: string): Promise<KeyMade> {
    return this.#keys.make(newKeySchema.parse(key), { actor, atMs: wallClock.now() });
  }

  /** Makes a successor of a key, which itself holds on for the overlap. */
  async rotateKey(rotation: Rotation, actor: string): Promise<KeyMade> {
    return this.#keys.rotate(rotationSchema.parse(rotation), { actor, atMs: wallClock.now() });
  }

  /** Ends a key now; null when there is none of that id. */
  async revokeKey(id: string, actor: string): Promise<KeyRecord | null> {
    return this.#keys.revoke(id, { actor, atMs: wallClock.now() });
  }

  /** A key with the last acts on it, newest first; null when there is none of that id. */
  async key(
    id: string,
    acts: number,
  ): Promise<{ readonly record: KeyRecord; readonly acts: Act[] } | null> {
    const record = this.#keys.read(id);
    return record === null ? null : { record, acts: this.#keys.acts(id, acts) };
  }

  /** The keys behind one (null: from the newest on), newest first. */
  async keys(
    after: { readonly createdMs: number; readonly id: string } | null,
    limit: number,
  ): Promise<KeyPage> {
    return this.#keys.page(after, limit);
  }

  /** What a key grants; null when there is none. */
  async keyGrant(lookup: KeyLookup): Promise<KeyGrant | null> {
    return this.#keys.grant(keyLookupSchema.parse(lookup));
  }

  /** What these keys grant; those that are not in the book are left out. */
  async keyGrants(ids: readonly string[]): Promise<KeyGrant[]> {
    return keyIdsSchema
      .parse(ids)
      .map((id) => this.#keys.grant({ id }))
      .filter((grant) => grant !== null);
  }

  /** Takes in what an isolate has counted of the use of keys. */
  async addKeyUses(uses: readonly KeyUse[]): Promise<void> {
    this.#keys.addUses(keyUsesSchema.parse(uses));
  }

  /** The versions, those that this deployment's variables bring included. */
  #configs(): ConfigBook {
    const read = readSettings(this.env);
    if (!read.ok) throw new Error("the service is not configured");
    this.#book.deploy(read.settings.config, wallClock.now());
    return this.#book;
  }
}
