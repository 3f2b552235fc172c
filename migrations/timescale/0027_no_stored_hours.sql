-- Chunks carry no trigger that would tell of a changed bar, so no hours are kept here: not those either that a plain
-- database had kept before it was converted.
truncate stored_hours;
