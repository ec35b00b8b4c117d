-- When a request of the back channel was last polled for, and how long its client has to wait in between. `early` is the
-- verdict on the last poll: it is decided in the statement that writes it, so of simultaneous polls one is in time.
create table "authorization".ciba_poll (
  environment text not null check (environment in ('sandbox', 'production')),
  id text not null,
  last_poll timestamptz not null,
  interval_seconds integer not null,
  early boolean not null,
  expires_at timestamptz not null,
  primary key (environment, id)
);
create index ciba_poll_expiry on "authorization".ciba_poll (expires_at);
