import type { SqlStatement } from "./sql-client.ts";

/**
 * The first statement of a transaction that takes its knowledge time by `known_from`: it locks what that
 * looks at, as the history lane does for one group, so that nothing below is promised meanwhile.
 */
export const LOCK_HORIZON: SqlStatement = {
  text: `select from group_cursor where class = 'bars' order by "group" for update`,
  params: [],
};
