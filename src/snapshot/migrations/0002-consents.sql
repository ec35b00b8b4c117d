-- What subscribers (pseudonyms) said to applications, as far as gateways need it for calls whose token names no
-- subscriber: the consents that live, and the last no.
create table snapshot.consent (
  environment text not null references snapshot.head (environment),
  id text not null,
  subject text not null,
  application_id text not null,
  purpose text not null,
  scopes text[] not null,
  granted boolean not null,
  expires_at timestamptz,
  primary key (environment, id)
);
create index consent_of_subject on snapshot.consent (environment, subject, application_id);

create function snapshot.find_consents(
  p_environment text, p_subject text, p_application_id text, p_purpose text
) returns table (id text, purpose text, scopes text[], granted boolean, expires_ms float8)
language sql stable as $$
  select c.id, c.purpose, c.scopes, c.granted, extract(epoch from c.expires_at) * 1000
  from snapshot.consent c
  where c.environment = p_environment and c.subject = p_subject and c.application_id = p_application_id
    and (p_purpose is null or c.purpose = p_purpose)
  order by c.id
$$;
-- A gateway may ask about one subscriber and application at a time, and not read the list.
create function snapshot.find_sandbox_consents(p_subject text, p_application_id text, p_purpose text)
  returns table (id text, purpose text, scopes text[], granted boolean, expires_ms float8)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from snapshot.find_consents('sandbox', p_subject, p_application_id, p_purpose)
$$;
create function snapshot.find_production_consents(p_subject text, p_application_id text, p_purpose text)
  returns table (id text, purpose text, scopes text[], granted boolean, expires_ms float8)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from snapshot.find_consents('production', p_subject, p_application_id, p_purpose)
$$;
revoke all on function snapshot.find_consents from public;
revoke all on function snapshot.find_sandbox_consents from public;
revoke all on function snapshot.find_production_consents from public;
