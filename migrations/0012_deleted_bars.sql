-- A bar that somebody deletes is missing from then on: without a hole its minute would count as no trade.
--
-- Only regular minutes are owed. A row trigger, so that a delete from one partition is seen too; retention drops
-- whole partitions, which fires nothing. The service itself deletes no bar.
create function open_hole_of_deleted_bar() returns trigger language plpgsql as $$
begin
  insert into ingestion_cursor as c (symbol, interval, holes, as_of)
  values (
    old.symbol,
    old.interval,
    tstzmultirange(tstzrange(old.ts, old.ts + interval '1 minute')),
    -- As keep_bar_history does: above everything that was promised as repeatable.
    interval '1 millisecond' + greatest(old.as_of, (
      select g.as_of
      from symbol_universe u
      join group_cursor g on g."group" = u."group" and g.class = 'bars'
      where u.symbol = old.symbol
    ))
  )
  on conflict (symbol, interval) do update set
    holes = c.holes + excluded.holes,
    unfillable = c.unfillable - excluded.holes,
    as_of = greatest(c.as_of, excluded.as_of);
  return null;
end
$$;

create trigger candles_intraday_deleted after delete on candles_intraday
  for each row when (old.session = 'regular') execute function open_hole_of_deleted_bar();
