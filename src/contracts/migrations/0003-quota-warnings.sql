-- What the gateways found out about the quota of a contract, as its partner is told.
create table contracts.quota_warning (
  contract_id text not null,
  -- '2026-03' or '2026-03-09', of the contract's time zone
  period text not null,
  percent smallint not null,
  quota bigint not null,
  at timestamptz not null,
  primary key (contract_id, period, percent)
);
