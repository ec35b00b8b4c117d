create schema "authorization";

-- The keys that sign access tokens, of their own for each environment. The private half exists, sealed, only while a
-- key may still sign: a key that is 'previous' verifies what it signed, and nothing more.
create table "authorization".signing_key (
  kid text primary key,
  environment text not null check (environment in ('sandbox', 'production')),
  state text not null check (state in ('next', 'current', 'previous', 'retired')),
  public_jwk jsonb not null,
  sealed_private_jwk text,
  created_at timestamptz not null,
  current_at timestamptz,
  previous_at timestamptz,
  check ((state in ('next', 'current')) = (sealed_private_jwk is not null))
);
create unique index signing_key_one_next on "authorization".signing_key (environment) where state = 'next';
create unique index signing_key_one_current on "authorization".signing_key (environment) where state = 'current';

-- Client assertions that were used, until they would have expired. The primary key is what makes one use of two
-- simultaneous ones fail.
create table "authorization".used_assertion (
  environment text not null,
  id text not null,
  expires_at timestamptz not null,
  primary key (environment, id)
);
create index used_assertion_expiry on "authorization".used_assertion (expires_at);
