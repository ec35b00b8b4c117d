-- Whatever age the caller names, a value stays while a day is kept on which it may have been used: values are used within one
-- month only.
create or replace function audit.forget_unused_keys(p_before timestamptz) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  first_kept timestamptz := (select min(day)::timestamp at time zone 'UTC' from audit.evidence_day where dropped_at is null);
  until timestamptz := least(p_before, first_kept, now()) - interval '62 days';
  values_gone bigint;
  keys_gone bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.key_epoch', 0));
  delete from audit.personal where id in (
    select id from audit.personal where made_at < until order by made_at limit 10000);
  get diagnostics values_gone = row_count;
  delete from audit.subject where id in (
    select s.id from audit.subject s
    where s.made_at < until and s.pseudonym <> ''
      and not exists (select from audit.personal p where p.subject_id = s.id)
      and not exists (select from audit.evidence e where e.subject_id = s.id)
    limit 10000);
  get diagnostics keys_gone = row_count;
  if keys_gone > 0 then
    update audit.key_epoch set value = value + 1;
  end if;
  return values_gone + keys_gone;
end
$$;
