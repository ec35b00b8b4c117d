-- Exchanges come in the order of their time: an index in that order grows at its end, where nothing has to be moved.
drop index metering.exchange_at;
create index exchange_at on metering.exchange (at);
drop index metering.exchange_partner;
create index exchange_partner on metering.exchange (partner_id, at);

-- Calls of one subscriber are read rarely and written always: an index that collects what is new before it sorts it in.
drop index metering.exchange_subject;
create index exchange_subject on metering.exchange using gin ((array[subject])) with (gin_pending_list_limit = 1024)
  where subject is not null;

-- Kept as it came; it is taken apart only when it is read.
alter table metering.exchange alter column legal type json using legal::text::json;

-- All calls of the subscriber first, which their index leads to, and the newest of them after that. As one question the planner
-- rather walked through the calls of everybody by their time, in the hope of meeting enough of this one.
create or replace function metering.uses_of_subject(
  p_environment text, p_subject text, p_since timestamptz, p_most integer
) returns table (
  partner_id text, application_id text, api_id text, basis text, purpose text, consents jsonb, calls bigint,
  last_at timestamptz[]
) language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with own as materialized (
    select x.partner_id, x.meter_id, x.legal, x.at from metering.exchange x
    where x.subject is not null and array[x.subject] @> array[p_subject]
      and x.environment = p_environment::metering.environment
      and x.day >= (p_since at time zone 'UTC')::date
      -- What was refused told nobody anything.
      and x.status between 200 and 299
  )
  select e.partner_id, m.application_id, m.api_id, coalesce(e.legal ->> 'basis', 'contract'), e.legal ->> 'purpose',
    (e.legal -> 'consents')::jsonb, count(*), (array_agg(e.at order by e.at desc))[1:3]
  from (select * from own where at >= p_since order by at desc limit p_most) as e join metering.meter m on m.id = e.meter_id
  group by 1, 2, 3, 4, 5, 6
$$;

create or replace function metering.erase_subject(p_environment text, p_subject text) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_count bigint;
begin
  update metering.exchange set subject = null, correlator = '', trace_id = null,
      legal = (legal::jsonb - 'consents' - 'grant')::json
    where subject is not null and array[subject] @> array[p_subject]
      and environment = p_environment::metering.environment;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
