-- Bars as they are believed now, and every belief that was replaced: an as-of read needs both.
-- `ts` is the START of the bar; prices are dollars a share as printed; volume is in shares, fractional ones are reported.
-- Text keys are collated "C" so that the order of a page is the byte order that clients compare with.
create table candles_intraday (
  symbol text collate "C" not null,
  interval text not null constraint candles_intraday_interval check (interval = '1m'),
  ts timestamptz not null,
  open double precision not null,
  high double precision not null,
  low double precision not null,
  close double precision not null,
  volume double precision not null,
  vwap double precision,
  trade_count bigint,
  as_of timestamptz not null,
  asked_at timestamptz not null,
  provider text not null,
  feed text not null,
  session text not null,
  status text not null,
  revision integer not null,
  primary key (symbol, interval, ts),
  -- NaN sorts above every number, so "below infinity" refuses it too.
  constraint candles_intraday_prices check (
    low > 0 and high < 'infinity'
    and open between low and high and close between low and high
  ),
  constraint candles_intraday_volume check (volume >= 0 and volume < 'infinity'),
  constraint candles_intraday_vwap check (vwap > 0 and vwap < 'infinity'),
  constraint candles_intraday_trade_count check (trade_count >= 0),
  constraint candles_intraday_provider check (provider in ('polygon', 'alpaca', 'finnhub', 'iex')),
  constraint candles_intraday_feed check (feed in ('sip', 'delayed_sip', 'finnhub', 'iex')),
  constraint candles_intraday_session check (session in ('pre', 'regular', 'post')),
  constraint candles_intraday_status check (status in ('first', 'updated', 'backfilled')),
  constraint candles_intraday_revision check (revision >= 0)
) partition by range (ts);

-- The same columns without the checks on values: what was once stored is kept, whatever later rules say.
create table candles_revisions (
  symbol text collate "C" not null,
  interval text not null,
  ts timestamptz not null,
  open double precision not null,
  high double precision not null,
  low double precision not null,
  close double precision not null,
  volume double precision not null,
  vwap double precision,
  trade_count bigint,
  as_of timestamptz not null,
  asked_at timestamptz not null,
  provider text not null,
  feed text not null,
  session text not null,
  status text not null,
  revision integer not null,
  primary key (symbol, interval, ts, as_of),
  constraint candles_revisions_interval check (interval in ('1m', '1d'))
) partition by range (ts);
