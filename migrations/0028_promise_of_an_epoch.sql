-- A stream whose epoch has no flush yet can promise its horizon too: unstored, a history write could land below it.

-- As before for a stream at its stored flush; an epoch without a flush takes the row over from an earlier one (or
-- makes it), so that no late drain of that one comes below the promise. Returns the row's as_of, raised or not:
-- below p_as_of nothing was promised, Postgres stands elsewhere; null without a row.
create or replace function raise_as_of(
  p_group integer, p_class text, p_epoch text, p_fs bigint, p_as_of timestamptz
) returns timestamptz language plpgsql as $$
begin
  if p_fs = 0 then
    insert into group_cursor ("group", class, epoch, fs, as_of)
    values (p_group, p_class, p_epoch, 0, p_as_of)
    on conflict do nothing;
  end if;
  update group_cursor set epoch = p_epoch, fs = p_fs, as_of = greatest(as_of, p_as_of)
  where "group" = p_group and class = p_class
    and ((epoch = p_epoch and fs = p_fs and as_of < p_as_of)
      or (p_fs = 0 and epoch collate "C" < p_epoch));
  return (select as_of from group_cursor where "group" = p_group and class = p_class);
end
$$;
