-- What the grants on behalf of subscribers leave behind until it is used or expires: codes, pushed requests, refresh
-- tokens, requests of the back channel, interactions, grants. An id is a secret of its holder, so only its keyed hash
-- is here, and the payload is sealed. `consumed_at` is set once: the update that finds it empty is the one use.
create table "authorization".artifact (
  environment text not null check (environment in ('sandbox', 'production')),
  model text not null,
  id text not null,
  grant_id text,
  payload text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz,
  primary key (environment, model, id)
);
create index artifact_grant on "authorization".artifact (environment, grant_id) where grant_id is not null;
create index artifact_expiry on "authorization".artifact (expires_at);
