create schema snapshot;

-- The revision of each environment. Writers lock its row, so revisions become visible in their order.
create table snapshot.head (
  environment text primary key check (environment in ('sandbox', 'production')),
  revision bigint not null,
  -- a reader that is behind this revision must load everything: tombstones up to here are gone
  floor bigint not null default 0,
  -- the version of the compiler that wrote the entries
  format integer not null default 0
);
insert into snapshot.head (environment, revision) values ('sandbox', 0), ('production', 0);

create table snapshot.entry (
  environment text not null references snapshot.head (environment),
  kind text not null,
  id text not null,
  revision bigint not null,
  -- null for a thing that is gone, until the tombstone is swept
  body jsonb,
  changed_at timestamptz not null,
  primary key (environment, kind, id)
);
create unique index entry_revision on snapshot.entry (environment, revision);

-- A gateway's role may read the views of its own environment and nothing else.
create view snapshot.sandbox_entry as
  select kind, id, revision, body from snapshot.entry where environment = 'sandbox';
create view snapshot.production_entry as
  select kind, id, revision, body from snapshot.entry where environment = 'production';
create view snapshot.sandbox_head as
  select revision, floor from snapshot.head where environment = 'sandbox';
create view snapshot.production_head as
  select revision, floor from snapshot.head where environment = 'production';
