create schema partners;

create table partners.partner (
  id text primary key,
  name text not null,
  -- 'organisation', or 'guest': the one that calls of the portal's visitors are made for
  kind text not null default 'organisation' check (kind in ('organisation', 'guest')),
  state text not null default 'active' check (state in ('active', 'suspended')),
  suspended_reason text,
  created_at timestamptz not null
);
create unique index partner_one_guest on partners.partner (kind) where kind = 'guest';
create index partner_created on partners.partner (created_at desc, id);

create table partners.application (
  id text primary key,
  partner_id text not null references partners.partner (id),
  name text not null,
  environment text not null check (environment in ('sandbox', 'production')),
  client_id text not null unique,
  state text not null default 'active' check (state in ('active', 'suspended', 'deleted')),
  created_at timestamptz not null,
  deleted_at timestamptz
);
create index application_partner on partners.application (partner_id, created_at);
create index application_environment on partners.application (environment, id) where state <> 'deleted';

create table partners.credential (
  id text primary key,
  application_id text not null references partners.application (id),
  type text not null check (type in ('client_secret', 'public_key')),
  -- what a person recognises it by: the first characters of a secret, the kid of a key
  hint text not null,
  -- keyed hash of the secret: the secret itself is shown once and never stored
  secret_hash text,
  jwk jsonb,
  created_at timestamptz not null,
  check ((type = 'client_secret') = (secret_hash is not null)),
  check ((type = 'public_key') = (jwk is not null))
);
create index credential_application on partners.credential (application_id, created_at);

-- The portal's own key, which every sandbox application trusts for calls made from its pages.
create table partners.explorer_key (
  only_one boolean primary key default true check (only_one),
  kid text not null,
  public_jwk jsonb not null,
  sealed_private_jwk text not null
);
