-- What the history lane has asked for of a symbol belongs to its full shape: the view was older than the column.

create or replace view ingestion_cursor_now as
select
  u.symbol,
  u."group",
  i.interval,
  c.since,
  case
    when w.watermark is null then null
    else least(w.watermark, lower(c.holes))
  end as watermark,
  coalesce(c.holes, '{}') as holes,
  coalesce(c.unfillable, '{}') as unfillable,
  greatest(c.as_of, g.as_of) as as_of,
  coalesce(c.known, '{}') as known
from symbol_universe u
cross join (values ('1m'), ('1d')) as i (interval)
left join ingestion_cursor c on c.symbol = u.symbol and c.interval = i.interval
left join group_cursor g on g."group" = u."group" and g.class = 'bars'
cross join lateral (
  select coalesce(c.watermark, case i.interval when '1m' then g.watermark_1m else g.watermark_1d end)
) as w (watermark)
where u.active;
