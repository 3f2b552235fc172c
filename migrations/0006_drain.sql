-- What makes a drain exactly-once and in order, whoever sends it: an old object, a new one, or a timed-out try that committed.

-- First statement of a drain of flushes p_from_fs..p_to_fs. Locks the stream's row until the transaction ends.
-- Raises, with the stored fs as detail and the stored epoch as hint:
--   MDS01 all of it is stored already (a success for the caller);
--   MDS02 stored fs is in p_from_fs..p_to_fs - 1 (skip up to it), or below p_from_fs - 1 (Postgres lost flushes:
--         drain again from fs + 1). An epoch that Postgres does not know yet stands at 0;
--   MDS03 Postgres knows a later epoch: the caller is out of date.
create function drain_begin(p_group integer, p_class text, p_epoch text, p_from_fs bigint, p_to_fs bigint)
returns void language plpgsql as $$
declare
  v_epoch text collate "C";
  v_fs bigint;
begin
  if p_from_fs < 1 or p_to_fs < p_from_fs then
    raise exception 'no flushes in % to %', p_from_fs, p_to_fs;
  end if;
  insert into group_cursor ("group", class, epoch, fs, as_of)
  values (p_group, p_class, p_epoch, 0, timestamptz 'epoch')
  on conflict do nothing;
  select epoch, fs into strict v_epoch, v_fs
  from group_cursor where "group" = p_group and class = p_class
  for update;
  if p_epoch collate "C" < v_epoch then
    raise exception 'stale epoch %', p_epoch using errcode = 'MDS03', detail = v_fs, hint = v_epoch;
  end if;
  if p_epoch <> v_epoch then
    v_fs := 0;
  end if;
  if v_fs >= p_to_fs then
    raise exception 'already drained' using errcode = 'MDS01', detail = v_fs, hint = v_epoch;
  end if;
  if v_fs <> p_from_fs - 1 then
    raise exception 'stands at flush %, not at %', v_fs, p_from_fs - 1
      using errcode = 'MDS02', detail = v_fs, hint = v_epoch;
  end if;
end
$$;

-- Last statement of a drain: how far the stream is stored now. A null watermark leaves the stored one.
create function drain_end(
  p_group integer, p_class text, p_epoch text, p_to_fs bigint, p_as_of timestamptz,
  p_watermark_1m timestamptz, p_watermark_1d timestamptz
) returns void language plpgsql as $$
begin
  update group_cursor set
    epoch = p_epoch,
    fs = p_to_fs,
    as_of = greatest(as_of, p_as_of),
    watermark_1m = coalesce(p_watermark_1m, watermark_1m),
    watermark_1d = coalesce(p_watermark_1d, watermark_1d)
  where "group" = p_group and class = p_class;
  if not found then
    raise exception 'drain_end without drain_begin';
  end if;
end
$$;

-- The read horizon: a group whose log is drained promises that its next flush is later than p_as_of. Taken only
-- while its epoch and fs are still the stored ones. Returns the row's as_of, raised or not; null without a row.
create function raise_as_of(p_group integer, p_class text, p_epoch text, p_fs bigint, p_as_of timestamptz)
returns timestamptz language plpgsql as $$
begin
  update group_cursor set as_of = p_as_of
  where "group" = p_group and class = p_class and epoch = p_epoch and fs = p_fs and as_of < p_as_of;
  return (select as_of from group_cursor where "group" = p_group and class = p_class);
end
$$;
