-- How many gateway processes there are, or were a moment ago: for one that starts while the store of limits is away.
-- Those that were ended without a word count for a minute, since they may be on their way back.
create function gateway.count_members(p_environment text) returns integer language sql stable as $$
  select count(*)::integer from gateway.member m
    where m.environment = p_environment and m.seen_at > clock_timestamp() - interval '1 minute'
$$;

create function gateway.count_sandbox_members() returns integer
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.count_members('sandbox')
$$;
create function gateway.count_production_members() returns integer
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.count_members('production')
$$;
revoke all on function gateway.count_members from public;
revoke all on function gateway.count_sandbox_members from public;
revoke all on function gateway.count_production_members from public;
