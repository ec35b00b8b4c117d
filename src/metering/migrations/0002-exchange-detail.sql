-- What the page of an exchange shows besides: how the caller was known, where it was served, what was done to the
-- response. Null is what the record does not say.
alter table metering.exchange
  add column tier text,
  add column credential text,
  add column bound text,
  add column upstream text,
  add column trace_id text,
  -- why the platform or an upstream failed, in fixed words
  add column reason text,
  -- keyed pseudonym
  add column subject text,
  add column idempotency text,
  -- paths of fields, a JSON array
  add column masked jsonb,
  add column stripped boolean;

create index exchange_trace on metering.exchange using hash (trace_id) where trace_id is not null;
