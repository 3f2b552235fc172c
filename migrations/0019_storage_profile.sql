-- Which storage profile a database has stands in the database: whoever reads or migrates it need not be told.
--
-- `plain` is what the migrations of this folder make; those in timescale/ turn it into `timescale`. Whatever a
-- later migration re-creates must do for both, or ask storage_profile().
create function storage_profile() returns text language sql immutable as $$
  select 'plain'
$$;

-- As in 0008, and a table that has no native partitions (as a hypertable has none) needs none made. So whatever
-- makes partitions by this function does for both profiles.
create or replace function ensure_partition(p_parent text, p_name text, p_from text, p_to text)
returns boolean language plpgsql as $$
begin
  if (select relkind from pg_class where oid = p_parent::regclass) <> 'p' then
    return false;
  end if;
  if to_regclass(p_name) is not null then
    return false;
  end if;
  perform pg_advisory_xact_lock(hashtext('ensure_day_partitions'));
  -- Another maker may have finished while this one waited. Only a query sees that: to_regclass may answer
  -- from a cache that an advisory lock does not refresh.
  if exists (
    select from pg_class where relname = p_name and relnamespace = current_schema()::regnamespace
  ) then
    return false;
  end if;
  execute format('create table %I (like %I including all)', p_name, p_parent);
  execute format(
    'alter table %I attach partition %I for values from (%L) to (%L)', p_parent, p_name, p_from, p_to
  );
  return true;
end
$$;

-- Brings stored rollups up to what was written since the last call, as far as p_before. Views need none. It may
-- commit as it goes: call it outside a transaction.
create procedure refresh_rollups(p_before timestamptz) language plpgsql as $$
begin
  null;
end
$$;
