-- What a record tells of a subscriber goes; that there was a call, of whom and what it cost, stays.
create function metering.erase_subject(p_environment text, p_subject text) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_count bigint;
begin
  update metering.exchange set subject = null, correlator = '', trace_id = null, legal = legal - 'consents' - 'grant'
    where subject = p_subject and environment = p_environment::metering.environment;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
revoke all on function metering.erase_subject from public;
