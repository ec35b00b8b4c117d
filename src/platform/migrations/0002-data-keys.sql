-- The keys of this installation, each wrapped by a key-encryption key that is not in the database. One `root` key:
-- keyed hashes, machine tokens and the keys of gateways come from it, so it never changes. And the ring of data keys that
-- values are sealed with: `next` is known to every process before it becomes `current`; what it sealed opens ever after.
create table platform.data_key (
  id text primary key,
  purpose text not null check (purpose in ('root', 'seal')),
  state text not null check (state in ('next', 'current', 'previous', 'retired')),
  -- null for `v1`, which installations of the first releases have: a key of the root key
  wrapped text,
  -- the name of the key-encryption key that wrapped it
  kek text,
  made_at timestamptz not null,
  current_at timestamptz,
  previous_at timestamptz,
  retired_at timestamptz,
  check ((wrapped is null) = (kek is null)),
  check ((wrapped is null) = (id = 'v1')),
  check (purpose = 'seal' or state = 'current')
);
create unique index data_key_current on platform.data_key (purpose) where state = 'current';
create unique index data_key_next on platform.data_key (purpose) where state = 'next';
