-- An erasure is told of in the log too, without whom: how many records lost what was personal in them. So the log shows
-- whether somebody took keys away without saying so.
drop function audit.erase_subject(text, text);
create function audit.erase_subject(
  p_environment text, p_pseudonym text, p_id text, p_now timestamptz, out exchanges bigint, out evidence bigint
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  own bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.key_epoch', 0));
  select id into own from audit.subject
    where environment = p_environment and pseudonym = p_pseudonym and p_pseudonym <> '' for update;
  if not found then
    return;
  end if;
  perform set_config('audit.forgetting', 'yes', true);
  update audit.exchange as e set personal_id = null
    where e.personal_id in (select p.id from audit.personal p where p.subject_id = own);
  get diagnostics exchanges = row_count;
  update audit.evidence as e set subject_id = null where e.subject_id = own;
  get diagnostics evidence = row_count;
  perform set_config('audit.forgetting', '', true);
  delete from audit.subject where id = own;
  update audit.key_epoch set value = value + 1;
  perform audit.append_evidence('erasure', p_id, p_now, p_now, format(
    '{"at":"%s","evidence":%s,"exchanges":%s,"id":"%s","kind":"erasure"}',
    audit.moment(p_now), evidence, exchanges, p_id
  ), null, null, null, true, null, null);
end
$$;
revoke all on function audit.erase_subject from public;

-- What tells that contents are gone stays for as long as the log.
create or replace function audit.refuse_to_forget() returns trigger language plpgsql as $$
begin
  if old.kind in ('retention', 'erasure') then
    raise exception 'what tells of % stays', old.kind using errcode = 'insufficient_privilege';
  end if;
  return old;
end
$$;
create trigger evidence_of_removal_stays before delete on audit.evidence
  for each row execute function audit.refuse_to_forget();

create index exchange_erased on audit.exchange (day) where personal_id is null;
