-- What became known between two times is asked by knowledge time, over all days that may have been revised since.
-- Beliefs of one flush share their as_of and come in its order: the index deduplicates them and grows at its end.
create index candles_intraday_as_of on candles_intraday (as_of);
create index candles_revisions_as_of on candles_revisions (as_of);
create index candles_daily_as_of on candles_daily (as_of);
