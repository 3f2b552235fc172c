-- Which minutes before a symbol's `since` the history lane has asked for: there, too, no bar means no trade.
alter table ingestion_cursor add column known tstzmultirange not null default '{}';
