create schema identity;

-- A person with an account: a member of a partner or one of the operator's staff, never both.
create table identity.person (
  id text primary key,
  email text not null constraint person_email unique check (email = lower(email)),
  name text not null,
  password_hash text not null,
  email_verified_at timestamptz,
  last_sign_in_at timestamptz,
  created_at timestamptz not null
);

create table identity.member (
  person_id text primary key references identity.person (id) on delete cascade,
  partner_id text not null,
  role text not null check (role in ('owner', 'developer', 'finance', 'viewer'))
);
create index member_partner on identity.member (partner_id);

create table identity.staff (
  person_id text primary key references identity.person (id) on delete restrict,
  role text not null check (role in ('administrator', 'engineer', 'product', 'partner-success', 'auditor'))
);

-- At most one row, ever: once it is there, nobody becomes the first operator again.
create table identity.first_operator (
  only_one boolean primary key default true check (only_one),
  person_id text not null,
  created_at timestamptz not null
);

create table identity.invitation (
  id text primary key,
  partner_id text not null,
  email text not null check (email = lower(email)),
  role text not null check (role in ('owner', 'developer', 'finance', 'viewer')),
  invited_by text not null,
  created_at timestamptz not null,
  constraint invitation_email unique (partner_id, email)
);

create table identity.session (
  id_hash text primary key,
  person_id text not null references identity.person (id) on delete cascade,
  created_at timestamptz not null,
  last_used_at timestamptz not null
);
create index session_person on identity.session (person_id);

-- What a mailed or printed link carries; used at most once. `subject_id` is a person or an invitation.
create table identity.link (
  token_hash text primary key,
  purpose text not null check (purpose in ('recovery', 'email-verification', 'invitation', 'first-operator')),
  subject_id text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index link_subject on identity.link (purpose, subject_id);

-- `person_id` is null for tokens that were made on the command line.
create table identity.token (
  id text primary key,
  secret_hash text not null unique,
  hint text not null,
  name text not null,
  kind text not null check (kind in ('partner', 'operator')),
  partner_id text check ((kind = 'partner') = (partner_id is not null)),
  person_id text references identity.person (id) on delete cascade,
  created_by text not null,
  created_at timestamptz not null,
  last_used_at timestamptz
);
create index token_partner on identity.token (partner_id);
create index token_person on identity.token (person_id);
