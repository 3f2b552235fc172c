import { z } from "zod";

/** The words of `STORAGE_PROFILE` and of the database's function `storage_profile()`. */
export const storageProfileSchema = z.enum(["plain", "timescale"]);

/**
 * How the tables are stored; every query answers the same in both. `plain`: native partitions and views, on any
 * Postgres. `timescale`: hypertables, compression and continuous aggregates.
 */
export type StorageProfile = z.infer<typeof storageProfileSchema>;

/** What is known when a profile is chosen. */
export interface ProfileFacts {
  /** What the operator asks for; null when nothing was said. */
  readonly asked: StorageProfile | null;
  /** What the database says it has; null before the first migration that says so. */
  readonly recorded: StorageProfile | null;
  /** Why the server can't store the timescale profile; null when it can. */
  readonly lacks: string | null;
}

/** A profile, and why this one. */
export interface ProfileChoice {
  readonly profile: StorageProfile;
  readonly reason: string;
}

/** Reads `STORAGE_PROFILE`; null when it is not set. Throws an Error that names it at any other word. */
export function readStorageProfile(value: string | undefined): StorageProfile | null {
  if (value === undefined || value === "") return null;
  const parsed = storageProfileSchema.safeParse(value);
  if (!parsed.success) {
    throw new Error(`STORAGE_PROFILE is "${value}": it must be plain or timescale`);
  }
  return parsed.data;
}

/**
 * The profile a database gets: the one asked for, else the better one that the server can store. A database
 * never goes back from timescale. Throws an Error when it can't have what was asked for.
 */
export function chooseProfile({ asked, recorded, lacks }: ProfileFacts): ProfileChoice {
  if (recorded === "timescale") {
    if (asked === "plain") {
      throw new Error("the database has the timescale profile, and there is no way back to plain");
    }
    return { profile: "timescale", reason: "the database has it" };
  }
  if (asked === "plain") return { profile: "plain", reason: "asked for" };
  if (lacks === null) {
    const reason = asked === null ? "TimescaleDB's community edition is there" : "asked for";
    return { profile: "timescale", reason };
  }
  if (asked === "timescale") throw new Error(`the timescale profile is not possible: ${lacks}`);
  return { profile: "plain", reason: lacks };
}
