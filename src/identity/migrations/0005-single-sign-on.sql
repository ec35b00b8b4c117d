-- The identity provider of a partner. That of the operator is in the settings.
create table identity.provider (
  partner_id text primary key,
  issuer text not null,
  client_id text not null,
  sealed_secret text not null,
  mode text not null check (mode in ('optional', 'enforced')),
  role_claim text,
  -- [{"value": …, "role": …}], the first that fits wins
  roles jsonb not null,
  -- null: whom no value fits, and nobody has invited, is not let in
  default_role text check (default_role in ('developer', 'finance', 'viewer')),
  acr_values text[] not null,
  second_factor text not null check (second_factor in ('provider', 'local')),
  revision integer not null,
  changed_at timestamptz not null,
  -- why the last sign-in failed that was not the fault of the person
  fault text,
  fault_at timestamptz
);

-- A domain belongs to the one partner that has proved it; until then any may claim it.
create table identity.email_domain (
  partner_id text not null,
  domain text not null check (domain = lower(domain)),
  proof text not null,
  confirmed_at timestamptz,
  created_at timestamptz not null,
  primary key (partner_id, domain)
);
create unique index email_domain_confirmed on identity.email_domain (domain) where confirmed_at is not null;

-- Who a subject of a provider is here. `owner` is a partner, or 'operator'.
create table identity.provider_subject (
  owner text not null,
  issuer text not null,
  subject text not null,
  person_id text not null references identity.person (id) on delete cascade,
  created_at timestamptz not null,
  primary key (owner, issuer, subject)
);
create unique index provider_subject_person on identity.provider_subject (person_id, issuer);

-- A browser that was sent to a provider and is to come back once. What it must bring is derived from the state.
create table identity.provider_visit (
  state_hash text primary key,
  owner text not null,
  browser_hash text not null,
  -- of a person who proves to be there; null for a sign-in
  session_id text references identity.session (id) on delete cascade,
  return_to text,
  expires_at timestamptz not null
);
create index provider_visit_expiry on identity.provider_visit (expires_at);
create index provider_visit_session on identity.provider_visit (session_id);

alter table identity.session
  -- whose provider it came from: such a session ends early, so that who has left there is soon out here
  add column provider_owner text,
  add column ends_at timestamptz,
  add column sign_out_url text;

alter table identity.sign_in_ticket
  -- what the sign-in came from when not from a password: {"owner": …, "endsAt": …, "signOutUrl": …}
  add column provider jsonb;
