-- Keys and personal values that nothing is left of go too. Values are used within one month only, so their age says it.
-- At most 10 000 of each at a time: nobody appends meanwhile.
create function audit.forget_unused_keys(p_before timestamptz) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  values_gone bigint;
  keys_gone bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.key_epoch', 0));
  delete from audit.personal where id in (
    select id from audit.personal where made_at < p_before - interval '62 days' order by made_at limit 10000);
  get diagnostics values_gone = row_count;
  delete from audit.subject where id in (
    select s.id from audit.subject s
    where s.made_at < p_before - interval '62 days' and s.pseudonym <> ''
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
revoke all on function audit.forget_unused_keys from public;
create index personal_made on audit.personal (made_at);
create index subject_made on audit.subject (made_at);
