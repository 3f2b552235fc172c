-- A year of minutes takes a tenth of the room when old days are compressed: bars, old beliefs and quotes become hypertables.
--
-- Every row, check, key, index, trigger and view stays what it was. Conversion copies the rows under a lock in one
-- transaction, so it takes as much room again until it is done; from empty it takes none.
create extension if not exists timescaledb;

-- Makes a natively partitioned table a hypertable with chunks of one UTC day.
create function to_hypertable(p_table text) returns void language plpgsql as $$
declare
  v_old text := p_table || '_plain';
  v_after text[];
  v_statement text;
begin
  execute format('lock table %I in access exclusive mode', p_table);
  -- What stands on the table, in the order in which it is made again: keys, indexes, triggers, views.
  select array_agg(made.statement order by made.place, made.name) into v_after
  from (
    select 1 as place, conname as name, format(
      'alter table %I add constraint %I %s', p_table, conname, pg_get_constraintdef(oid)
    ) as statement
    from pg_constraint where conrelid = p_table::regclass and contype in ('p', 'u')
    union all
    select 2, i.indexrelid::regclass::text, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
    from pg_index i
    where i.indrelid = p_table::regclass
      and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'))
    union all
    select 3, tgname, pg_get_triggerdef(oid)
    from pg_trigger where tgrelid = p_table::regclass and not tgisinternal
    union all
    select distinct 4, r.ev_class::regclass::text, format(
      'create view %s as %s', r.ev_class::regclass, pg_get_viewdef(r.ev_class)
    )
    from pg_depend d
    join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    where d.refobjid = p_table::regclass
  ) made;
  for v_statement in
    select distinct format('drop view %s', r.ev_class::regclass)
    from pg_depend d
    join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    where d.refobjid = p_table::regclass
  loop
    execute v_statement;
  end loop;
  execute format('alter table %I rename to %I', p_table, v_old);
  execute format('create table %I (like %I including all excluding indexes)', p_table, v_old);
  perform create_hypertable(p_table::regclass, by_range('ts', interval '1 day'), create_default_indexes => false);
  execute format('insert into %I select * from %I', p_table, v_old);
  execute format('drop table %I', v_old);
  foreach v_statement in array v_after loop
    execute v_statement;
  end loop;
end
$$;

-- A hypertable can't be a partition: old beliefs of minutes and of days stand side by side, and one view for
-- whoever reads or writes both.
alter table candles_revisions detach partition candles_revisions_1m;
alter table candles_revisions detach partition candles_revisions_1d;
drop table candles_revisions;

select to_hypertable('candles_intraday');
select to_hypertable('candles_revisions_1m');
select to_hypertable('quotes_l1');
drop function to_hypertable(text);

-- By these the planner leaves out the table that can't have the interval.
alter table candles_revisions_1m add constraint candles_revisions_1m_only check (interval = '1m');
alter table candles_revisions_1d add constraint candles_revisions_1d_only check (interval = '1d');

create view candles_revisions as
select * from candles_revisions_1m
union all
select * from candles_revisions_1d;

-- What is there already is left as it is: all that write here say "on conflict do nothing", which Postgres can't
-- pass on. An interval of neither table is refused by a check, as by a partitioned table.
create function keep_revision() returns trigger language plpgsql as $$
begin
  if new.interval = '1m' then
    insert into candles_revisions_1m select (new).* on conflict do nothing;
  else
    insert into candles_revisions_1d select (new).* on conflict do nothing;
  end if;
  if not found then
    return null;
  end if;
  return new;
end
$$;

create trigger candles_revisions_keep instead of insert on candles_revisions
  for each row execute function keep_revision();

-- Two weeks are as long as corrections are common; a later one is written to the compressed day all the same.
alter table candles_intraday set (
  timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'ts'
);
alter table candles_revisions_1m set (
  timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'ts, as_of'
);
alter table quotes_l1 set (
  timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'ts, provider'
);
select add_compression_policy(name::regclass, interval '14 days')
from unnest(array['candles_intraday', 'candles_revisions_1m', 'quotes_l1']) as name;

create or replace function storage_profile() returns text language sql immutable as $$
  select 'timescale'
$$;
