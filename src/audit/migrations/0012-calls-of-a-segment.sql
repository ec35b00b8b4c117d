-- Calls are found in the row of their segment, in place of a row for each: in the order of the records, by id, time (ms since
-- 1970), who called what, and whose personal values (0 for nobody, null when the subscriber was erased).
alter table audit.segment
  add column ids text[],
  add column ats bigint[],
  add column party_ids integer[],
  add column personal_ids bigint[],
  -- Which of these there are, each once: what an index leads to. The start of an id is mostly its time, so that many share it.
  add column id_starts text[],
  add column parties integer[],
  add column from_at timestamptz,
  add column to_at timestamptz;

select set_config('audit.forgetting', 'yes', true);
update audit.segment as s set
    ids = e.ids, ats = e.ats, party_ids = e.party_ids, personal_ids = e.personal_ids,
    id_starts = e.id_starts, parties = e.parties, from_at = e.from_at, to_at = e.to_at
  from (
    select segment_id, day, array_agg(id order by position) as ids,
      array_agg((extract(epoch from at) * 1000)::bigint order by position) as ats,
      array_agg(party_id order by position) as party_ids, array_agg(personal_id order by position) as personal_ids,
      array_agg(distinct left(id, 12)) as id_starts,
      array_agg(distinct party_id) as parties, min(at) as from_at, max(at) as to_at
    from audit.exchange group by segment_id, day
  ) as e where s.id = e.segment_id and s.day = e.day;
select set_config('audit.forgetting', '', true);
drop table audit.exchange;

alter table audit.segment
  alter column ids set not null, alter column ats set not null, alter column party_ids set not null,
  alter column personal_ids set not null, alter column id_starts set not null, alter column parties set not null,
  alter column from_at set not null, alter column to_at set not null,
  -- Compressing them would cost more than what is compressed anyway.
  alter column ids set storage external, alter column ats set storage external,
  alter column party_ids set storage external, alter column personal_ids set storage external;
create index segment_personal on audit.segment using gin (personal_ids) with (gin_pending_list_limit = 1024);
create index segment_id_starts on audit.segment using gin (id_starts) with (gin_pending_list_limit = 1024);
create index segment_parties on audit.segment using gin (parties) with (gin_pending_list_limit = 1024);
create index segment_to_at on audit.segment (to_at);

create or replace function audit.make_evidence_day(p_day date) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone timestamptz;
  partition text := 'segment_' || to_char(p_day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.evidence_day', 0));
  select dropped_at into gone from audit.evidence_day where day = p_day;
  if found then
    return gone is null;
  end if;
  execute format('create table audit.%I (like audit.segment including all)', partition);
  execute format('alter table audit.segment attach partition audit.%I for values from (%L) to (%L)',
    partition, p_day, p_day + 1);
  insert into audit.evidence_day (day) values (p_day);
  return true;
end
$$;

create or replace function audit.erase_subject(
  p_environment text, p_pseudonym text, p_id text, p_now timestamptz, out exchanges bigint, out evidence bigint
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  own bigint;
  gone bigint[];
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.key_epoch', 0));
  select id into own from audit.subject
    where environment = p_environment and pseudonym = p_pseudonym and p_pseudonym <> '' for update;
  if not found then
    return;
  end if;
  select coalesce(array_agg(p.id), '{}') into gone from audit.personal p where p.subject_id = own;
  perform set_config('audit.forgetting', 'yes', true);
  select count(*) into exchanges from audit.segment s, unnest(s.personal_ids) as one (id)
    where s.personal_ids && gone and one.id = any(gone);
  update audit.segment as s set personal_ids = (
      select array_agg(case when one.id = any(gone) then null else one.id end order by one.place)
      from unnest(s.personal_ids) with ordinality as one (id, place))
    where s.personal_ids && gone;
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

create or replace function audit.forget_exchange_day(p_day date, p_id text, p_before timestamptz, p_now timestamptz)
  returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone bigint[];
  records bigint;
  erased bigint;
  partition text := 'segment_' || to_char(p_day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.evidence_day', 0));
  perform 1 from audit.evidence_day where day = p_day and dropped_at is null;
  if not found or p_day >= p_before::date then
    return 0;
  end if;
  -- Rather not now than holding up the intake behind a long reader.
  perform set_config('lock_timeout', '2s', true);
  -- Before the log is locked, and the whole before its part: the intake and all readers lock in this order.
  lock table only audit.segment in access exclusive mode;
  execute format('lock table audit.%I in access exclusive mode', partition);
  select array_agg(l.position), coalesce(sum(s.records), 0),
      coalesce(sum(cardinality(array_positions(s.personal_ids, null))), 0) into gone, records, erased
    from audit.segment s join audit.leaf l on l.kind = 'exchanges' and l.id = s.leaf_id where s.day = p_day;
  execute format('drop table audit.%I', partition);
  update audit.evidence_day set dropped_at = p_now where day = p_day;
  if gone is not null then
    perform audit.append_retention('exchanges', p_id, p_before, p_now, gone, records, erased);
  end if;
  return records;
end
$$;
