-- A symbol's day touches a few pages when its minutes stand side by side: days that are over are stored by symbol.
--
-- Drains store a day minute by minute, so that a symbol's 390 bars lie on as many pages. A day is packed by a sorted
-- copy of its partitions that takes their place. Rows, keys, indexes, triggers, grants and names stay what they were,
-- and a packed day is written to as before. The price: a minute of the whole market, which drains store together, lies
-- scattered from then on.

-- Days up to p_until that are not stored by symbol, oldest first, p_limit at most (null: all). How a day is stored is
-- what the last ANALYZE of it saw: packing ends with one, autovacuum makes one after a tenth of the rows came anew. So
-- nothing is to be remembered, a day that was loaded by symbol needs no packing, and one into which more than some
-- twentieth of its rows came later is packed again. None where another profile stores the days.
create function days_to_pack(p_until date, p_limit integer) returns setof date language sql stable as $$
  select part.day
  from (
    select c.oid, c.relname, n.nspname, substring(c.relname from '^candles_intraday_(\d{8})$')::date as day
    from pg_inherits i
    join pg_class p on p.oid = i.inhparent
    join pg_class c on c.oid = i.inhrelid
    join pg_namespace n on n.oid = c.relnamespace
    where p.oid = 'candles_intraday'::regclass and p.relkind = 'p'
  ) part
  where part.day <= p_until and pg_relation_size(part.oid) > 0 and not exists (
    -- Of one row nothing can be said, and it needs no order.
    select from pg_stats s
    where s.schemaname = part.nspname and s.tablename = part.relname and s.attname = 'symbol'
      and coalesce(s.correlation, 1) > 0.9
  )
  order by part.day
  limit p_limit
$$;

-- Makes a table p_copy of the rows of a partition, by symbol and time, with the partition's keys and indexes.
create function copy_by_symbol(p_table regclass, p_copy text) returns void language plpgsql as $$
declare
  v_statement text;
begin
  execute format('create table %I (like %s including all excluding indexes)', p_copy, p_table);
  -- A check like the partition's bounds spares a scan of all rows when the copy is attached.
  execute format(
    'alter table %I add constraint packed_day check (%s)', p_copy, pg_get_partition_constraintdef(p_table)
  );
  execute format('insert into %I select * from %s order by symbol, interval, ts, as_of', p_copy, p_table);
  for v_statement in
    select format('alter table %I add %s', p_copy, pg_get_constraintdef(oid))
    from pg_constraint where conrelid = p_table and contype in ('p', 'u')
    union all
    select format(
      'create %s index on %I %s', case when i.indisunique then 'unique' end, p_copy,
      substring(pg_get_indexdef(i.indexrelid) from ' USING .*$')
    )
    from pg_index i
    where i.indrelid = p_table
      and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'))
  loop
    execute v_statement;
  end loop;
  execute format('analyze %I', p_copy);
end
$$;

-- Puts a copy in the place of the partition that it was made of, under its names. Both and the parent are locked.
create function put_in_place(p_parent text, p_table text, p_copy text) returns void language plpgsql as $$
declare
  v_bound text;
  v_after text[];
  v_statement text;
begin
  select pg_get_expr(relpartbound, oid) into strict v_bound from pg_class where oid = p_table::regclass;
  -- What was given to this partition alone; what stands on its parent comes when it is attached.
  select array_agg(given.statement) into v_after
  from (
    select format('alter table %I set (%s)', p_table, array_to_string(c.reloptions, ', ')) as statement
    from pg_class c where c.oid = p_table::regclass and c.reloptions is not null
    union all
    select format('alter table %I owner to %s', p_table, c.relowner::regrole)
    from pg_class c where c.oid = p_table::regclass
    union all
    select format(
      'grant %s on %I to %s%s', a.privilege_type, p_table,
      case when a.grantee = 0 then 'public' else a.grantee::regrole::text end,
      case when a.is_grantable and a.grantee <> c.relowner then ' with grant option' end
    )
    from pg_class c cross join lateral aclexplode(c.relacl) a where c.oid = p_table::regclass
    union all
    select pg_get_triggerdef(oid)
    from pg_trigger where tgrelid = p_table::regclass and not tgisinternal and tgparentid = 0
  ) given;
  execute format('drop table %I', p_table);
  execute format('alter table %I rename to %I', p_copy, p_table);
  for v_statement in
    select format('alter index %I rename to %I', c.relname, replace(c.relname, p_copy, p_table))
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = p_table::regclass
  loop
    execute v_statement;
  end loop;
  execute format('alter table %I attach partition %I %s', p_parent, p_table, v_bound);
  execute format('alter table %I drop constraint packed_day', p_table);
  foreach v_statement in array v_after loop
    execute v_statement;
  end loop;
end
$$;

-- Stores the bars of a day, and their old beliefs, by symbol and time. Returns whether it did: not when there is
-- nothing to do, nor when the tables were not to be had in time; then nothing is changed.
--
-- Readers go on while the copies are made, writers of that day wait; the changeover locks out everyone as a drop
-- does, for some milliseconds. It is tried a few times, for the copies cost more than a wait.
--
-- Rows count as written by this transaction. Whoever reads by a snapshot from before it, as a dump does and a
-- REPEATABLE READ transaction, would find the day empty: there is no changeover while a transaction from before it
-- holds one. Younger ones are noticed after a second, since each statement of others takes one for a moment: only who
-- takes a snapshot in the second before the changeover and reads that day by it afterwards is not.
create function pack_day(p_day date) returns boolean language plpgsql
set lock_timeout = '2s' set work_mem = '64MB' as $$
declare
  v_bars text := to_char(p_day, '"candles_intraday_"YYYYMMDD');
  v_revisions text := to_char(p_day, '"candles_revisions_"YYYYMMDD');
  v_tries integer := 0;
begin
  -- One at a time: a reader of the parents at its changeover would be another one that makes its copies.
  if not pg_try_advisory_xact_lock(hashtext('pack_day')) then
    return false;
  end if;
  if not exists (select from days_to_pack(p_day, null) day where day = p_day) then
    return false;
  end if;
  -- Only writers of that day queue up behind it, and a vacuum gives way after a second.
  execute format('lock table only %I in share row exclusive mode', v_bars);
  perform set_config('lock_timeout', '200ms', true);
  execute format('lock table only %I in share row exclusive mode', v_revisions);
  perform copy_by_symbol(v_bars::regclass, v_bars || '_packed');
  perform copy_by_symbol(v_revisions::regclass, v_revisions || '_packed');
  loop
    begin
      lock table only candles_intraday, only candles_revisions_1m in access exclusive mode;
      execute format('lock table only %I, only %I in access exclusive mode nowait', v_bars, v_revisions);
      perform pg_stat_clear_snapshot();
      if exists (
        select from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_xmin is not null
          and coalesce(backend_type, 'client backend') = 'client backend'
          and coalesce(xact_start < greatest(now(), clock_timestamp() - interval '1 second'), true)
      ) then
        raise exception 'a transaction reads by an older snapshot' using errcode = 'lock_not_available';
      end if;
      exit;
    exception when lock_not_available then
      v_tries := v_tries + 1;
      if v_tries = 5 then
        raise;
      end if;
      perform pg_sleep(0.5);
    end;
  end loop;
  perform put_in_place('candles_intraday', v_bars, v_bars || '_packed');
  perform put_in_place('candles_revisions_1m', v_revisions, v_revisions || '_packed');
  return true;
exception when lock_not_available then
  return false;
end
$$;
