-- One minute of the whole market, or of any many symbols, is a few neighbouring pages: bars are stored in the order
-- of their minutes. A block range index finds them, of a few pages a day, and costs a drain nothing. Pages that no
-- range tells of yet are always read, so autovacuum is asked to add theirs as they fill.
create index candles_intraday_ts on candles_intraday using brin (ts)
  with (pages_per_range = 32, autosummarize = on);
create index candles_revisions_1m_ts on candles_revisions_1m using brin (ts)
  with (pages_per_range = 32, autosummarize = on);
