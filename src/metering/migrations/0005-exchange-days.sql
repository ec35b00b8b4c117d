-- The days of raw records are partitions, which only the owner of the table may make and drop: these do it for the process
-- that keeps them, one day at a time.
create function metering.make_exchange_day(p_day date) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  partition text := 'exchange_' || to_char(p_day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtextextended('metering.exchange_day', 0));
  if exists (select from metering.exchange_day where day = p_day) then return; end if;
  -- Attaching does not wait for readers and writers of other days, as creating a partition in place would.
  execute format('create table metering.%I (like metering.exchange including all)', partition);
  execute format('alter table metering.exchange attach partition metering.%I for values from (%L) to (%L)',
    partition, p_day, p_day + 1);
  insert into metering.exchange_day (day, dropped_at) values (p_day, null);
end
$$;

create function metering.drop_exchange_day(p_day date, p_dropped_at timestamptz) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('metering.exchange_day', 0));
  -- Rather not now (lock_timeout) than holding up the intake behind a long reader.
  execute format('drop table if exists metering.%I', 'exchange_' || to_char(p_day, 'YYYYMMDD'));
  update metering.exchange_day set dropped_at = p_dropped_at where day = p_day;
end
$$;
revoke all on function metering.make_exchange_day, metering.drop_exchange_day from public;
