import { z } from "zod";
import { toIso } from "../domain/time.ts";
import type { ActPlace, NumberedAct } from "../platform/act-log.ts";
import { hideSecrets } from "../platform/secrets.ts";
import type { SqlClient } from "./sql-client.ts";
import { exactInteger, instantMs } from "./sql-values.ts";

/** As the table's checks have them, characters: an act that is refused would stop all behind it. */
const MAX_ACTOR = 100;
const MAX_ACT = 100;
const MAX_SUBJECT = 200;
const MAX_REASON = 300;

const NEWEST_SQL = "select id, at from config_audit order by at desc, id desc limit 1";

const STORE_SQL = `
insert into config_audit (id, at, actor, act, subject, reason, detail)
select a.id, a.at::timestamptz, a.actor, a.act, a.subject, a.reason, a.detail::jsonb
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
  as a (id, at, actor, act, subject, reason, detail)
on conflict (at, id) do nothing`;

const placeSchema = z
  .object({ id: exactInteger, at: instantMs })
  .transform(({ id, at: atMs }): ActPlace => ({ id, atMs }));

/** The newest act in `config_audit`; null when there is none. Rejects as `classifySqlError` says. */
export async function readNewestAct(sql: Pick<SqlClient, "query">): Promise<ActPlace | null> {
  const { rows } = await sql.query({ text: NEWEST_SQL, params: [] });
  return rows[0] === undefined ? null : placeSchema.parse(rows[0]);
}

/**
 * Stores acts in one statement: all of them or none; one that is there already stays as it is. Without secrets,
 * whatever somebody wrote for a reason. Rejects as `classifySqlError` says.
 */
export async function storeActs(
  sql: Pick<SqlClient, "query">,
  acts: readonly NumberedAct[],
): Promise<void> {
  await sql.query({
    text: STORE_SQL,
    params: [
      acts.map(({ id }) => id),
      acts.map(({ atMs }) => toIso(atMs)),
      acts.map(({ actor }) => storable(actor, MAX_ACTOR)),
      acts.map(({ act }) => storable(act, MAX_ACT)),
      acts.map(({ subject }) => storable(subject, MAX_SUBJECT)),
      acts.map(({ reason }) => (reason === null ? null : storable(reason, MAX_REASON))),
      acts.map(({ detail }) => (detail === null ? null : storableJson(detail))),
    ],
  });
}

/** Postgres holds neither a NUL nor half a character, and a text that is cut may end in one. */
function storable(text: string, maxChars?: number): string {
  return hideSecrets(text).slice(0, maxChars).replaceAll("\0", "\uFFFD").toWellFormed();
}

/** As jsonb: there an escaped NUL is refused as well. */
function storableJson(text: string): string {
  return JSON.stringify(JSON.parse(text), (_, value: unknown) => {
    if (typeof value === "string") return storable(value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [storable(name), field]),
    );
  });
}
