-- What the market as a whole did on a date, from our own daily bars, and what its options say: as it was known.
-- `ts` is 00:00 UTC of the New York trading date, as for daily bars.
create table macro_factors (
  factor text collate "C" not null,
  ts timestamptz not null,
  value double precision not null,
  -- Symbols, or returns, that the value is made from.
  sample integer not null,
  detail jsonb not null,
  as_of timestamptz not null,
  revision integer not null default 0,
  primary key (factor, ts),
  constraint macro_factors_value check (value > '-infinity' and value < 'infinity'),
  constraint macro_factors_sample check (sample > 0)
);

create table macro_factors_revisions (like macro_factors, primary key (factor, ts, as_of));

-- Null: the chain does not say. Ratios are puts to calls; volatilities are annual, 0.2 is 20 %.
create table options_metrics (
  underlying text collate "C" not null,
  ts timestamptz not null,
  put_call_volume double precision,
  put_call_open_interest double precision,
  atm_iv double precision,
  skew double precision,
  skew_method text,
  -- The expiry that volatility and skew are read from.
  expiry date,
  underlying_price double precision,
  contracts integer not null,
  source text not null,
  as_of timestamptz not null,
  asked_at timestamptz not null,
  revision integer not null default 0,
  primary key (underlying, ts),
  constraint options_metrics_skew check (
    (skew is null) = (skew_method is null) and skew_method in ('delta_25', 'moneyness_95_105')
  ),
  constraint options_metrics_contracts check (contracts > 0),
  constraint options_metrics_source check (source in ('polygon', 'alpaca', 'finnhub', 'iex'))
);

create table options_metrics_revisions (like options_metrics, primary key (underlying, ts, as_of));

-- As keep_action_history does: the row before a change goes to `<table>_revisions`, and knowledge time only moves
-- forward. What somebody deletes can still be read as of any time.
create function keep_row_history() returns trigger language plpgsql as $$
begin
  execute format('insert into %I select ($1).* on conflict do nothing', tg_table_name || '_revisions') using old;
  if tg_op = 'DELETE' then
    return old;
  end if;
  if new.as_of <= old.as_of then
    new.as_of := known_from(old.as_of + interval '1 millisecond');
    if new.revision = old.revision then
      new.revision := old.revision + 1;
    end if;
  end if;
  return new;
end
$$;

create trigger macro_factors_history before update or delete on macro_factors
  for each row execute function keep_row_history();
create trigger options_metrics_history before update or delete on options_metrics
  for each row execute function keep_row_history();
