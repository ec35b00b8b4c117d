-- One row for each write that came with an Idempotency-Key. `request_hash` is a keyed hash of method, path and key, and
-- `fingerprint` one of everything that makes two requests equal; `answer` is sealed. A place is `started` before the
-- upstream is called and `executing` from then on: after that nobody else may call it.
create table gateway.idempotent_request (
  environment text not null check (environment in ('sandbox', 'production')),
  application_id text not null,
  operation text not null,
  request_hash text not null,
  fingerprint text not null,
  holder text not null,
  state text not null check (state in ('started', 'executing', 'unknown', 'done')),
  lease_until timestamptz not null,
  expires_at timestamptz not null,
  answer text,
  primary key (environment, application_id, operation, request_hash)
);
create index idempotent_request_expiry on gateway.idempotent_request (environment, expires_at);

-- Takes the place of a request, or tells what became of the one that has it: `new`, `running`, `other` (the same key
-- with another request), `unknown` (it called the upstream, and nobody knows what came of it) or `done`. A holder that
-- stopped before it called the upstream is replaced; one that stopped afterwards only where repeating does no harm.
create function gateway.begin_request(
  p_environment text, p_application_id text, p_operation text, p_request_hash text, p_fingerprint text,
  p_holder text, p_lease_ms integer, p_keep_seconds integer, p_repeatable boolean,
  out outcome text, out answer text
) language plpgsql as $$
declare
  v gateway.idempotent_request;
  v_now timestamptz;
  v_lease timestamptz;
  v_expiry timestamptz;
begin
  loop
    v_now := clock_timestamp();
    v_lease := v_now + p_lease_ms * interval '1 millisecond';
    v_expiry := v_now + p_keep_seconds * interval '1 second';
    insert into gateway.idempotent_request
      values (p_environment, p_application_id, p_operation, p_request_hash, p_fingerprint, p_holder,
        'started', v_lease, v_expiry, null)
      on conflict do nothing;
    if found then
      outcome := 'new';
      return;
    end if;
    select r.* into v from gateway.idempotent_request r
      where r.environment = p_environment and r.application_id = p_application_id
        and r.operation = p_operation and r.request_hash = p_request_hash
      for update;
    -- It was left between the two statements.
    continue when not found;
    v_now := clock_timestamp();
    if v.expires_at > v_now then
      if v.fingerprint <> p_fingerprint then
        outcome := 'other';
        return;
      elsif v.state = 'done' then
        outcome := 'done';
        answer := v.answer;
        return;
      elsif v.state <> 'unknown' and v.lease_until > v_now then
        outcome := 'running';
        return;
      elsif v.state <> 'started' and not p_repeatable then
        outcome := 'unknown';
        return;
      end if;
    end if;
    update gateway.idempotent_request r
      set fingerprint = p_fingerprint, holder = p_holder, state = 'started', lease_until = v_lease,
        expires_at = v_expiry, answer = null
      where r.environment = p_environment and r.application_id = p_application_id
        and r.operation = p_operation and r.request_hash = p_request_hash;
    outcome := 'new';
    return;
  end loop;
end $$;

-- Moves a place on, for its holder only: to `executing`, `done` or `unknown`; or gives it up (`released`), when nothing
-- was done. False when somebody else has it by now.
create function gateway.settle_request(
  p_environment text, p_application_id text, p_operation text, p_request_hash text, p_holder text,
  p_state text, p_answer text, p_lease_ms integer
) returns boolean language plpgsql as $$
begin
  if p_state = 'released' then
    delete from gateway.idempotent_request r
      where r.environment = p_environment and r.application_id = p_application_id
        and r.operation = p_operation and r.request_hash = p_request_hash and r.holder = p_holder
        and r.state in ('started', 'executing');
  elsif p_state = 'executing' then
    update gateway.idempotent_request r
      set state = 'executing', lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
      where r.environment = p_environment and r.application_id = p_application_id
        and r.operation = p_operation and r.request_hash = p_request_hash and r.holder = p_holder
        and r.state = 'started';
  elsif p_state in ('done', 'unknown') then
    update gateway.idempotent_request r
      set state = p_state, answer = p_answer
      where r.environment = p_environment and r.application_id = p_application_id
        and r.operation = p_operation and r.request_hash = p_request_hash and r.holder = p_holder
        and r.state in ('executing', 'unknown');
  else
    raise exception 'no such state of a request: %', p_state;
  end if;
  return found;
end $$;

-- Forgets what was kept long enough, a batch at a time, beside other gateways that do the same.
create function gateway.sweep_requests(p_environment text, p_most integer) returns integer language plpgsql as $$
declare
  v_count integer;
begin
  delete from gateway.idempotent_request r
    where r.ctid = any (array(
      select s.ctid from gateway.idempotent_request s
        where s.environment = p_environment and s.expires_at < now()
        order by s.expires_at limit p_most for update skip locked));
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Who made a thing that an upstream keeps: the application, and a pseudonym of the subscriber that it is about. `id_hash`
-- is a keyed hash of its id. A row never changes.
create table gateway.resource_owner (
  environment text not null check (environment in ('sandbox', 'production')),
  resource text not null,
  id_hash text not null,
  application_id text not null,
  subject text,
  created_at timestamptz not null default now(),
  primary key (environment, resource, id_hash)
);
create index resource_owner_of on gateway.resource_owner (environment, resource, application_id, subject);

-- Notes who made a thing. False when it is somebody else's.
create function gateway.own_resource(
  p_environment text, p_resource text, p_id_hash text, p_application_id text, p_subject text
) returns boolean language plpgsql as $$
begin
  insert into gateway.resource_owner values (p_environment, p_resource, p_id_hash, p_application_id, p_subject)
    on conflict do nothing;
  if found then
    return true;
  end if;
  return exists (select from gateway.resource_owner o
    where o.environment = p_environment and o.resource = p_resource and o.id_hash = p_id_hash
      and o.application_id = p_application_id and o.subject is not distinct from p_subject);
end $$;

create function gateway.find_owners(p_environment text, p_resource text, p_id_hashes text[])
  returns table (id_hash text, application_id text, subject text) language sql stable as $$
  select o.id_hash, o.application_id, o.subject from gateway.resource_owner o
    where o.environment = p_environment and o.resource = p_resource and o.id_hash = any (p_id_hashes)
$$;

-- How many things of a kind an application made, for one subscriber where one is named.
create function gateway.count_resources(
  p_environment text, p_resource text, p_application_id text, p_subject text
) returns bigint language sql stable as $$
  select count(*) from gateway.resource_owner o
    where o.environment = p_environment and o.resource = p_resource and o.application_id = p_application_id
      and (p_subject is null or o.subject = p_subject)
$$;

-- A gateway's role may call the functions of its own environment and nothing else.
create function gateway.begin_sandbox_request(p_application_id text, p_operation text, p_request_hash text, p_fingerprint text, p_holder text, p_lease_ms integer, p_keep_seconds integer, p_repeatable boolean, out outcome text, out answer text)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.begin_request('sandbox', p_application_id, p_operation, p_request_hash, p_fingerprint, p_holder, p_lease_ms, p_keep_seconds, p_repeatable)
$$;
create function gateway.settle_sandbox_request(p_application_id text, p_operation text, p_request_hash text, p_holder text, p_state text, p_answer text, p_lease_ms integer)
  returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.settle_request('sandbox', p_application_id, p_operation, p_request_hash, p_holder, p_state, p_answer, p_lease_ms)
$$;
create function gateway.sweep_sandbox_requests(p_most integer)
  returns integer language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.sweep_requests('sandbox', p_most)
$$;
create function gateway.own_sandbox_resource(p_resource text, p_id_hash text, p_application_id text, p_subject text)
  returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.own_resource('sandbox', p_resource, p_id_hash, p_application_id, p_subject)
$$;
create function gateway.find_sandbox_owners(p_resource text, p_id_hashes text[])
  returns table (id_hash text, application_id text, subject text) language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.find_owners('sandbox', p_resource, p_id_hashes)
$$;
create function gateway.count_sandbox_resources(p_resource text, p_application_id text, p_subject text)
  returns bigint language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.count_resources('sandbox', p_resource, p_application_id, p_subject)
$$;
create function gateway.begin_production_request(p_application_id text, p_operation text, p_request_hash text, p_fingerprint text, p_holder text, p_lease_ms integer, p_keep_seconds integer, p_repeatable boolean, out outcome text, out answer text)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.begin_request('production', p_application_id, p_operation, p_request_hash, p_fingerprint, p_holder, p_lease_ms, p_keep_seconds, p_repeatable)
$$;
create function gateway.settle_production_request(p_application_id text, p_operation text, p_request_hash text, p_holder text, p_state text, p_answer text, p_lease_ms integer)
  returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.settle_request('production', p_application_id, p_operation, p_request_hash, p_holder, p_state, p_answer, p_lease_ms)
$$;
create function gateway.sweep_production_requests(p_most integer)
  returns integer language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.sweep_requests('production', p_most)
$$;
create function gateway.own_production_resource(p_resource text, p_id_hash text, p_application_id text, p_subject text)
  returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.own_resource('production', p_resource, p_id_hash, p_application_id, p_subject)
$$;
create function gateway.find_production_owners(p_resource text, p_id_hashes text[])
  returns table (id_hash text, application_id text, subject text) language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.find_owners('production', p_resource, p_id_hashes)
$$;
create function gateway.count_production_resources(p_resource text, p_application_id text, p_subject text)
  returns bigint language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.count_resources('production', p_resource, p_application_id, p_subject)
$$;
revoke all on function gateway.begin_request from public;
revoke all on function gateway.settle_request from public;
revoke all on function gateway.sweep_requests from public;
revoke all on function gateway.own_resource from public;
revoke all on function gateway.find_owners from public;
revoke all on function gateway.count_resources from public;
revoke all on function gateway.begin_sandbox_request from public;
revoke all on function gateway.settle_sandbox_request from public;
revoke all on function gateway.sweep_sandbox_requests from public;
revoke all on function gateway.own_sandbox_resource from public;
revoke all on function gateway.find_sandbox_owners from public;
revoke all on function gateway.count_sandbox_resources from public;
revoke all on function gateway.begin_production_request from public;
revoke all on function gateway.settle_production_request from public;
revoke all on function gateway.sweep_production_requests from public;
revoke all on function gateway.own_production_resource from public;
revoke all on function gateway.find_production_owners from public;
revoke all on function gateway.count_production_resources from public;
