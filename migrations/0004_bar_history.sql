-- Whoever changes a bar, this service or a person with psql, the belief before it is kept.
--
-- UPDATE: the old row goes to candles_revisions. Knowledge time only moves forward: an update that does not
-- raise as_of (one by hand) gets one above everything that was promised as repeatable (group_cursor.as_of), and
-- the next revision number, so that writers who read the row before notice.
-- DELETE: the old row goes there too. It counts as missing from then on (and will be fetched again), while reads
-- as of any time still find what was believed. Retention drops partitions, which fires nothing.
create function keep_bar_history() returns trigger language plpgsql as $$
begin
  insert into candles_revisions (
    symbol, interval, ts, open, high, low, close, volume, vwap, trade_count,
    as_of, asked_at, provider, feed, session, status, revision
  ) values (
    old.symbol, old.interval, old.ts, old.open, old.high, old.low, old.close, old.volume, old.vwap, old.trade_count,
    old.as_of, old.asked_at, old.provider, old.feed, old.session, old.status, old.revision
  ) on conflict do nothing;
  if tg_op = 'DELETE' then
    return old;
  end if;
  if new.as_of <= old.as_of then
    new.as_of := interval '1 millisecond' + greatest(old.as_of, (
      select g.as_of
      from symbol_universe u
      join group_cursor g on g."group" = u."group" and g.class = 'bars'
      where u.symbol = new.symbol
    ));
    if new.revision = old.revision then
      new.revision := old.revision + 1;
    end if;
  end if;
  return new;
end
$$;

create trigger candles_intraday_history before update or delete on candles_intraday
  for each row execute function keep_bar_history();
