-- What proves a person besides the password, and what a session knows of how it began.
alter table identity.session
  add column id text not null unique default 'ses_' || replace(gen_random_uuid()::text, '-', ''),
  add column methods text[] not null default '{password}',
  -- when the person last proved that it is there; null until it does so again
  add column verified_at timestamptz,
  -- words such as "Firefox on Linux"; never the whole user agent
  add column device text not null default '',
  add column address text not null default '',
  -- the id before it was changed: requests that were under way still carry it for some seconds
  add column previous_hash text unique,
  add column rotated_at timestamptz;

create table identity.passkey (
  id text primary key,
  credential_id text not null constraint passkey_credential unique,
  person_id text not null references identity.person (id) on delete cascade,
  name text not null,
  public_key text not null,
  counter bigint not null,
  transports text[] not null,
  -- whether it may exist on several devices (backup eligible), and whether it does
  synced boolean not null,
  backed_up boolean not null,
  created_at timestamptz not null,
  last_used_at timestamptz
);
create index passkey_person on identity.passkey (person_id);

-- `last_step` is the newest 30 seconds whose code was used: none is used twice.
create table identity.totp (
  person_id text primary key references identity.person (id) on delete cascade,
  sealed_secret text not null,
  last_step bigint not null,
  created_at timestamptz not null
);

-- A secret that was shown and not confirmed by a code yet.
create table identity.totp_enrolment (
  person_id text primary key references identity.person (id) on delete cascade,
  sealed_secret text not null,
  expires_at timestamptz not null
);

create table identity.recovery_code (
  code_hash text primary key,
  person_id text not null references identity.person (id) on delete cascade
);
create index recovery_code_person on identity.recovery_code (person_id);

-- What an authenticator must sign; used at most once. `person_id` is null before signing in.
create table identity.challenge (
  challenge_hash text primary key,
  purpose text not null,
  person_id text references identity.person (id) on delete cascade,
  expires_at timestamptz not null
);
create index challenge_person on identity.challenge (person_id);
create index challenge_expiry on identity.challenge (expires_at);

-- A sign-in whose password was right and whose second factor is still to come. It is no session.
create table identity.sign_in_ticket (
  token_hash text primary key,
  person_id text not null references identity.person (id) on delete cascade,
  attempts integer not null,
  expires_at timestamptz not null
);
create index sign_in_ticket_person on identity.sign_in_ticket (person_id);
