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
