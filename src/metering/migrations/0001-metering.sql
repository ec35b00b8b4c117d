create schema metering;

create type metering.environment as enum ('sandbox', 'production');

-- A journal segment that was applied. The environment is part of its name, so that a sandbox gateway can never take the
-- place of a production one.
create table metering.segment (
  id bigint generated always as identity unique,
  environment metering.environment not null,
  gateway_id text not null,
  boot text not null,
  sequence bigint not null check (sequence >= 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  -- what the segment says the one before it was
  previous_sha256 text,
  records integer not null,
  units bigint not null,
  -- records whose exchange had been counted before, by another segment
  duplicates integer not null default 0,
  -- refusals that the gateway counted without recording each
  counters jsonb not null,
  recovered boolean not null,
  sealed_at timestamptz not null,
  applied_at timestamptz not null default now(),
  primary key (environment, gateway_id, boot, sequence)
);

-- What a segment holds of each UTC day: survives the raw records.
create table metering.segment_day (
  segment_id bigint not null references metering.segment (id),
  day date not null,
  records integer not null,
  units bigint not null,
  primary key (segment_id, day)
);
create index segment_day_day on metering.segment_day (day);

-- What the intake would not count, whole, for somebody to decide upon.
create table metering.quarantine (
  id bigint generated always as identity primary key,
  environment metering.environment not null,
  gateway_id text not null,
  boot text not null,
  sequence bigint not null,
  sha256 text not null,
  reason text not null,
  body bytea not null,
  received_at timestamptz not null default now(),
  unique (environment, gateway_id, boot, sequence, sha256)
);

-- A record whose exchange was counted already.
create table metering.duplicate (
  segment_id bigint not null references metering.segment (id),
  exchange_id text not null,
  position integer not null,
  day date not null,
  units integer not null,
  primary key (segment_id, position)
);

-- What exchanges are counted under: one row for each combination that occurs. '' is what the record does not name, for
-- example a caller that was not recognised. Records and sums carry its number instead of nine texts.
create table metering.meter (
  id integer generated always as identity primary key,
  environment metering.environment not null,
  partner_id text collate "C" not null,
  application_id text collate "C" not null,
  credential_id text collate "C" not null,
  contract_id text collate "C" not null,
  api_id text collate "C" not null,
  operation_id text collate "C" not null,
  method text collate "C" not null,
  price_id text collate "C" not null,
  unique (partner_id, application_id, api_id, operation_id, credential_id, contract_id, price_id, method, environment)
);
create index meter_application on metering.meter (application_id);
create index meter_api on metering.meter (api_id);

-- One exchange each, by UTC day; days are made on demand and dropped when they are 90 days old. The environment stands
-- in the key so that no sandbox record can take the id of a production one.
create table metering.exchange (
  id text collate "C" not null,
  correlator text collate "C" not null,
  partner_id text collate "C" not null,
  code text,
  refused_by text,
  at timestamptz not null,
  segment_id bigint not null,
  total_us bigint not null,
  upstream_us bigint,
  request_bytes bigint not null,
  response_bytes bigint not null,
  day date not null,
  environment metering.environment not null,
  meter_id integer not null,
  position integer not null,
  units integer not null,
  status smallint not null,
  upstream_status smallint,
  primary key (id, environment, day)
) partition by range (day);
create index exchange_at on metering.exchange (at desc);
create index exchange_partner on metering.exchange (partner_id, at desc);
create index exchange_correlator on metering.exchange using hash (correlator);
create index exchange_refused on metering.exchange (status, at desc) where status >= 400;
create index exchange_segment on metering.exchange using brin (segment_id);

-- Which days have their raw records, and which had.
create table metering.exchange_day (
  day date primary key,
  created_at timestamptz not null default now(),
  dropped_at timestamptz
);

-- Sums by quarter of an hour UTC: every time zone's days begin at one, so a day of any zone is a sum of these.
create table metering.rollup (
  meter_id integer not null references metering.meter (id),
  bucket timestamptz not null,
  status smallint not null,
  calls bigint not null,
  units bigint not null,
  -- whole microseconds, so that the sum does not depend on the order
  total_us bigint not null,
  primary key (meter_id, bucket, status)
);
create index rollup_bucket on metering.rollup (bucket);

-- The price versions that records name, as contracts told them. Immutable there, so a copy stays true.
create table metering.price (
  price_id text collate "C" primary key,
  unit numeric not null,
  list numeric not null,
  currency text not null
);

-- Up to when each gateway's exchanges are counted.
create table metering.watermark (
  environment metering.environment not null,
  gateway_id text not null,
  through timestamptz not null,
  seen_at timestamptz not null,
  primary key (environment, gateway_id)
);
