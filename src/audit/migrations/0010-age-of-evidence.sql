-- The age of evidence counts from when it happened or was appended, whichever is later: clocks of processes differ. As
-- before, contents go when what they are about ended before `p_before`; at most 10 000 at a time.
create or replace function audit.forget_evidence(p_kind text, p_id text, p_before timestamptz, p_now timestamptz)
  returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone bigint[];
  records bigint;
  erased bigint;
begin
  if p_kind = 'retention' then
    raise exception 'what tells of retention stays';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('audit.evidence.' || p_kind, 0));
  perform set_config('audit.forgetting', 'yes', true);
  with due as (
    select e.kind, e.id from audit.evidence e
    where e.kind = p_kind and e.at < p_before and greatest(e.at, e.appended_at) < p_before and (e.about is null or (
      exists (select 1 from audit.evidence f
        where f.kind = e.kind and f.about = e.about and f.final and greatest(f.at, f.appended_at) < p_before)
      and not exists (select 1 from audit.evidence f
        where f.kind = e.kind and f.about = e.about and greatest(f.at, f.appended_at) >= p_before)))
    -- The last of each goes last: a run that stops in between can go on.
    order by e.at, e.id limit 10000
  ), deleted as (
    delete from audit.evidence e using due where e.kind = due.kind and e.id = due.id
    returning e.id, e.sealed is not null and e.subject_id is null as was_erased
  )
  select array_agg(l.position), count(*), count(*) filter (where d.was_erased) into gone, records, erased
    from deleted d join audit.leaf l on l.kind = p_kind and l.id = d.id;
  perform set_config('audit.forgetting', '', true);
  if gone is not null then
    perform audit.append_retention(p_kind, p_id, p_before, p_now, gone, records, erased);
  end if;
  return records;
end
$$;
