-- What calls were answered about one subscriber, for the subscriber. Also what an erasure finds its rows by.
create index exchange_subject on metering.exchange (subject, at desc) where subject is not null;

-- The authorization servers show it to whoever has proved to be this subscriber. They can ask for one at a time, and learn
-- nothing else of any call.
create function metering.uses_of_subject(
  p_environment text, p_subject text, p_since timestamptz, p_most integer
) returns table (
  partner_id text, application_id text, api_id text, basis text, purpose text, consents jsonb, calls bigint,
  last_at timestamptz[]
) language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.partner_id, m.application_id, m.api_id, coalesce(e.legal ->> 'basis', 'contract'), e.legal ->> 'purpose',
    e.legal -> 'consents', count(*), (array_agg(e.at order by e.at desc))[1:3]
  from (
    select x.partner_id, x.meter_id, x.legal, x.at from metering.exchange x
    where x.subject = p_subject and x.environment = p_environment::metering.environment
      and x.at >= p_since and x.day >= (p_since at time zone 'UTC')::date
      -- What was refused told nobody anything.
      and x.status between 200 and 299
    order by x.at desc limit p_most
  ) as e join metering.meter m on m.id = e.meter_id
  group by 1, 2, 3, 4, 5, 6
$$;
revoke all on function metering.uses_of_subject from public;
