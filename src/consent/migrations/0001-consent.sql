create schema consent;

-- Refuses to alter what evidence rests on.
create function consent.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_schema || '.' || tg_table_name;
end $$;

-- What was shown to subscribers, word for word, named by the SHA-256 of `content`. Nothing of a subscriber is in it.
create table consent.notice (
  hash text primary key,
  locale text not null,
  content text not null,
  made_at timestamptz not null
);
create trigger notice_append_only before update or delete or truncate on consent.notice
  for each statement execute function consent.refuse_change();

-- The operator's own words over those that come with the product, one version after the other.
create table consent.text_version (
  position bigint generated always as identity primary key,
  locale text not null,
  hash text not null,
  content jsonb not null,
  source text not null check (source in ('file', 'operator')),
  made_by text not null,
  made_at timestamptz not null
);
create index text_version_of on consent.text_version (locale, source, position desc);
create trigger text_version_append_only before update or delete or truncate on consent.text_version
  for each statement execute function consent.refuse_change();

-- One answer of one subscriber (a pseudonym) to one application, for one purpose and one set of scopes; also an
-- objection. A new question after an end is a new row, so that an id never comes back to life.
create table consent.consent (
  id text primary key,
  environment text not null check (environment in ('production', 'sandbox')),
  subject text not null,
  application_id text not null,
  application_name text not null,
  partner_id text not null,
  partner_name text not null,
  purpose text not null,
  scopes text[] not null check (cardinality(scopes) > 0),
  basis text not null check (basis in ('consent', 'legitimate-interest')),
  state text not null check
    (state in ('PENDING', 'REQUESTED', 'GRANTED', 'DENIED', 'WITHDRAWN', 'EXPIRED', 'OBJECTED')),
  created_at timestamptz not null,
  changed_at timestamptz not null,
  granted_at timestamptz,
  expires_at timestamptz,
  last_used_at timestamptz,
  text_hash text references consent.notice (hash),
  locale text
);
create unique index one_living on consent.consent
  (environment, subject, application_id, purpose, basis, scopes)
  where state in ('PENDING', 'REQUESTED', 'GRANTED', 'OBJECTED');
create index consent_of_subject on consent.consent (environment, subject, application_id);
create index consent_of_application on consent.consent (application_id, state);
create index consent_of_partner on consent.consent (partner_id, changed_at desc);
create index consent_to_expire on consent.consent (expires_at) where state = 'GRANTED';
create index consent_unanswered on consent.consent (created_at) where state in ('PENDING', 'REQUESTED');

-- What happened to a consent, and how it is known.
create table consent.change (
  position bigint generated always as identity primary key,
  consent_id text not null references consent.consent (id),
  from_state text,
  to_state text not null,
  at timestamptz not null,
  by_kind text not null check (by_kind in ('subscriber', 'partner', 'operator', 'system')),
  -- of a member of staff; never a subscriber's
  by_id text,
  channel text not null,
  method text,
  reason text,
  capture_id text,
  text_hash text,
  locale text
);
create index change_of_consent on consent.change (consent_id, position);
create trigger change_append_only before update or delete or truncate on consent.change
  for each statement execute function consent.refuse_change();

-- An open question. The token of its link is kept as a hash, the number sealed, and only until it was answered.
create table consent.capture (
  id text primary key,
  token_hash text not null unique,
  consent_id text not null references consent.consent (id),
  environment text not null,
  subject text not null,
  application_id text not null,
  purpose text not null,
  channel text not null check (channel in ('authorization', 'ciba', 'capture-url')),
  locales text[] not null,
  expires_after_days integer,
  sealed_number text,
  reference text not null,
  return_to text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  answered_at timestamptz,
  answer text check (answer in ('allow', 'refuse'))
);
create index capture_of_subject on consent.capture (environment, subject, created_at);
create index capture_of_consent on consent.capture (consent_id);
create index capture_with_number on consent.capture (expires_at) where sealed_number is not null;

-- Which words were on the page of a question: an answer names one of them.
create table consent.shown (
  capture_id text not null references consent.capture (id),
  text_hash text not null references consent.notice (hash),
  locale text not null,
  at timestamptz not null,
  primary key (capture_id, text_hash)
);
create trigger shown_append_only before update or delete or truncate on consent.shown
  for each statement execute function consent.refuse_change();
