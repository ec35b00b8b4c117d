-- One installation: its identity makes the names of its database roles unique on a shared server.
create table platform.installation (
  only_one boolean primary key default true check (only_one),
  id text not null,
  -- keyed hash of the id: tells a wrong master key before anything is sealed with it
  key_check text,
  created_at timestamptz not null default now()
);
insert into platform.installation (id) values (substr(md5(gen_random_uuid()::text), 1, 10));

-- Events of the modules in this database, written in the transaction of the change they tell of.
create table platform.outbox (
  position bigint generated always as identity primary key,
  id text not null unique,
  type text not null,
  key text not null,
  root_id text not null,
  payload jsonb not null,
  occurred_at timestamptz not null
);
create index outbox_root on platform.outbox (root_id);

-- What is still owed: one row per event and subscriber, deleted in the subscriber's own transaction.
create table platform.delivery (
  event_id text not null references platform.outbox (id) on delete cascade,
  subscriber text not null,
  position bigint not null,
  root_id text not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  last_error text,
  primary key (subscriber, event_id)
);
create index delivery_due on platform.delivery (subscriber, position);
create index delivery_root on platform.delivery (root_id);
create index delivery_event on platform.delivery (event_id);

-- Attempts of a kind by a key in a window: sign-in, sign-up, recovery, guest calls.
create table platform.attempt (
  key text not null,
  window_start timestamptz not null,
  count integer not null,
  primary key (key, window_start)
);
create index attempt_window on platform.attempt (window_start);
