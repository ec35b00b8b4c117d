-- The gateway processes that live, each worker of its own: where control reaches it, and which snapshot it serves.
-- Written by each about once a second; one that was not seen for a few seconds is gone.
create table gateway.member (
  environment text not null check (environment in ('sandbox', 'production')),
  gateway_id text not null check (gateway_id ~ '^[A-Za-z0-9_.:-]{1,120}$'),
  -- URL of its internal listener
  address text not null check (length(address) <= 300),
  revision bigint not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  primary key (environment, gateway_id)
) with (fillfactor = 50);

create function gateway.announce(
  p_environment text, p_gateway_id text, p_address text, p_revision bigint, p_running_ms bigint, p_leaving boolean
) returns void language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  if p_leaving then
    delete from gateway.member m where m.environment = p_environment and m.gateway_id = p_gateway_id;
    return;
  end if;
  insert into gateway.member as m (environment, gateway_id, address, revision, started_at, seen_at)
    values (p_environment, p_gateway_id, p_address, p_revision,
      v_now - make_interval(secs => p_running_ms / 1000.0), v_now)
    on conflict (environment, gateway_id) do update
      set address = excluded.address, revision = excluded.revision, seen_at = excluded.seen_at,
        -- measured from the process's own clock each time, so it wavers by a little; a restart is more
        started_at = case when abs(extract(epoch from m.started_at - excluded.started_at)) > 2
          then excluded.started_at else m.started_at end;
  if random() < 0.01 then
    delete from gateway.member m where m.environment = p_environment and m.seen_at < v_now - interval '1 day';
  end if;
end $$;

create function gateway.announce_sandbox(
  p_gateway_id text, p_address text, p_revision bigint, p_running_ms bigint, p_leaving boolean
) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.announce('sandbox', p_gateway_id, p_address, p_revision, p_running_ms, p_leaving)
$$;
create function gateway.announce_production(
  p_gateway_id text, p_address text, p_revision bigint, p_running_ms bigint, p_leaving boolean
) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.announce('production', p_gateway_id, p_address, p_revision, p_running_ms, p_leaving)
$$;
revoke all on function gateway.announce from public;
revoke all on function gateway.announce_sandbox from public;
revoke all on function gateway.announce_production from public;
