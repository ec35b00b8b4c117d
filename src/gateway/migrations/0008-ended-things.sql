-- A thing that was taken away, and one whose application or API has ended, is forgotten after a while. Until then its id
-- is its maker's.
alter table gateway.resource_owner add column deleted_at timestamptz;
alter table gateway.resource_owner add column ended_at timestamptz;
create index resource_owner_deleted on gateway.resource_owner (deleted_at) where deleted_at is not null;
create index resource_owner_ended on gateway.resource_owner (ended_at) where ended_at is not null;

-- Notes who made a thing. False when it is somebody else's, also when it is gone. One that its maker makes anew is back.
create or replace function gateway.own_resource(
  p_environment text, p_resource text, p_id_hash text, p_application_id text, p_subject text
) returns boolean language plpgsql as $$
begin
  insert into gateway.resource_owner (environment, resource, id_hash, application_id, subject)
    values (p_environment, p_resource, p_id_hash, p_application_id, p_subject)
    on conflict do nothing;
  if found then
    return true;
  end if;
  update gateway.resource_owner o set deleted_at = null
    where o.environment = p_environment and o.resource = p_resource and o.id_hash = p_id_hash
      and o.application_id = p_application_id and o.subject is not distinct from p_subject and o.deleted_at is not null;
  return exists (select from gateway.resource_owner o
    where o.environment = p_environment and o.resource = p_resource and o.id_hash = p_id_hash
      and o.application_id = p_application_id and o.subject is not distinct from p_subject);
end $$;

-- Notes that a thing is gone, for its maker only.
create function gateway.end_resource(
  p_environment text, p_resource text, p_id_hash text, p_application_id text
) returns boolean language plpgsql as $$
begin
  update gateway.resource_owner o set deleted_at = clock_timestamp()
    where o.environment = p_environment and o.resource = p_resource and o.id_hash = p_id_hash
      and o.application_id = p_application_id and o.deleted_at is null;
  return found;
end $$;
create function gateway.end_sandbox_resource(p_resource text, p_id_hash text, p_application_id text)
  returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.end_resource('sandbox', p_resource, p_id_hash, p_application_id)
$$;
create function gateway.end_production_resource(p_resource text, p_id_hash text, p_application_id text)
  returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.end_resource('production', p_resource, p_id_hash, p_application_id)
$$;
revoke all on function gateway.end_resource from public;
revoke all on function gateway.end_sandbox_resource from public;
revoke all on function gateway.end_production_resource from public;
