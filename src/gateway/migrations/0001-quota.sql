create schema gateway;

-- How much of a contract's quota is leased to gateways, by calendar period of the contract's time zone:
-- '2026-03' for a month, '2026-03-09' for a day. `used` never passes the cap that a lease was asked under.
create table gateway.quota_use (
  environment text not null check (environment in ('sandbox', 'production')),
  contract_id text not null,
  period text not null,
  used bigint not null check (used >= 0),
  changed_at timestamptz not null default now(),
  primary key (environment, contract_id, period)
);

-- Carves a block out of what is left of a quota, and tells how much that is: less than was asked for near the end,
-- nothing at the end. A negative amount gives back what was leased and not used.
create function gateway.lease_quota(
  p_environment text, p_contract_id text, p_period text, p_cap bigint, p_amount bigint,
  out granted bigint, out used bigint
) language plpgsql as $$
declare
  v_before bigint;
begin
  insert into gateway.quota_use (environment, contract_id, period, used)
    values (p_environment, p_contract_id, p_period, 0)
    on conflict do nothing;
  if found then
    delete from gateway.quota_use q
      where q.environment = p_environment and q.contract_id = p_contract_id
        and q.changed_at < now() - interval '70 days';
  end if;
  select q.used into v_before from gateway.quota_use q
    where q.environment = p_environment and q.contract_id = p_contract_id and q.period = p_period
    for update;
  granted := greatest(least(p_amount, p_cap - v_before), case when p_amount < 0 then -v_before else 0 end);
  used := v_before + granted;
  if granted <> 0 then
    update gateway.quota_use q set used = v_before + lease_quota.granted, changed_at = now()
      where q.environment = p_environment and q.contract_id = p_contract_id and q.period = p_period;
  end if;
end $$;

-- A gateway's role may call the function of its own environment and nothing else: neither can touch the other's quota.
create function gateway.lease_sandbox_quota(
  p_contract_id text, p_period text, p_cap bigint, p_amount bigint, out granted bigint, out used bigint
) language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.lease_quota('sandbox', p_contract_id, p_period, p_cap, p_amount)
$$;
create function gateway.lease_production_quota(
  p_contract_id text, p_period text, p_cap bigint, p_amount bigint, out granted bigint, out used bigint
) language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.lease_quota('production', p_contract_id, p_period, p_cap, p_amount)
$$;
revoke all on function gateway.lease_quota from public;
revoke all on function gateway.lease_sandbox_quota from public;
revoke all on function gateway.lease_production_quota from public;
