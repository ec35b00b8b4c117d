-- What was found out about a quota once in its period, whichever gateway came upon it: that 80 or 100 % of it is leased.
create table gateway.quota_warning (
  environment text not null check (environment in ('sandbox', 'production')),
  contract_id text not null,
  period text not null,
  percent smallint not null,
  cap bigint not null,
  warned_at timestamptz not null default now(),
  -- when the control side has made an event of it
  told_at timestamptz,
  primary key (environment, contract_id, period, percent)
);
create index quota_warning_untold on gateway.quota_warning (warned_at) where told_at is null;

-- As gateway.lease_quota, which gateways of the version before still call; and takes nothing when less than `p_least` is
-- left, and notes that a part of the quota was reached.
create function gateway.take_quota(
  p_environment text, p_contract_id text, p_period text, p_cap bigint, p_amount bigint, p_least bigint,
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
    delete from gateway.quota_warning w
      where w.environment = p_environment and w.contract_id = p_contract_id
        and w.warned_at < now() - interval '70 days';
  end if;
  select q.used into v_before from gateway.quota_use q
    where q.environment = p_environment and q.contract_id = p_contract_id and q.period = p_period
    for update;
  granted := case
    when p_amount < 0 then greatest(p_amount, -v_before)
    when p_cap - v_before < greatest(1, p_least) then 0
    else least(p_amount, p_cap - v_before) end;
  used := v_before + granted;
  if granted <> 0 then
    update gateway.quota_use q set used = v_before + take_quota.granted, changed_at = now()
      where q.environment = p_environment and q.contract_id = p_contract_id and q.period = p_period;
  end if;
  if p_amount > 0 and used * 100 >= p_cap * 80 then
    insert into gateway.quota_warning (environment, contract_id, period, percent, cap)
      select p_environment, p_contract_id, p_period, reached.percent, p_cap
        from (values (80), (100)) as reached (percent)
        -- A call that counts more than what is left has met the end of the quota as well.
        where reached.percent = 80 or used >= p_cap or granted = 0
      on conflict do nothing;
  end if;
end $$;

create function gateway.take_sandbox_quota(
  p_contract_id text, p_period text, p_cap bigint, p_amount bigint, p_least bigint, out granted bigint, out used bigint
) language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.take_quota('sandbox', p_contract_id, p_period, p_cap, p_amount, p_least)
$$;
create function gateway.take_production_quota(
  p_contract_id text, p_period text, p_cap bigint, p_amount bigint, p_least bigint, out granted bigint, out used bigint
) language sql security definer set search_path = pg_catalog, pg_temp as $$
  select * from gateway.take_quota('production', p_contract_id, p_period, p_cap, p_amount, p_least)
$$;
revoke all on function gateway.take_quota from public;
revoke all on function gateway.take_sandbox_quota from public;
revoke all on function gateway.take_production_quota from public;
