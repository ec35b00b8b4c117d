-- What leaves of other kinds than `action` were made of, whom it is about, and how it goes. A leaf is
-- SHA-256(0x00 || record), and `record` is canonical JSON, byte for byte. What is personal in a record is a commitment,
-- SHA-256(salt "." canonical JSON): the salt is derived from the key of the subscriber, the values are sealed with it.

-- The key of each subscriber, wrapped. Destroying it is what erases a subscriber.
create table audit.subject (
  id bigint generated always as identity primary key,
  environment text not null check (environment in ('sandbox', 'production')),
  -- '' for what is personal and of nobody who is known
  pseudonym text collate "C" not null,
  wrapped_key text not null,
  made_at timestamptz not null,
  unique (environment, pseudonym)
);

-- Personal values of exchanges, sealed with that key: who it was, consents and grant. They are the same for many calls.
create table audit.personal (
  id bigint generated always as identity primary key check (id > 0),
  subject_id bigint not null references audit.subject (id) on delete cascade,
  -- keyed hash of the values, by the subscriber's key
  digest text collate "C" not null,
  sealed text not null,
  made_at timestamptz not null,
  unique (subject_id, digest)
);

-- Counts how often keys were destroyed: whoever keeps keys in memory compares it, under a shared lock on its name, in
-- the transaction that writes with them.
create table audit.key_epoch (
  only_one boolean primary key default true check (only_one),
  value bigint not null
);
insert into audit.key_epoch (value) values (0);

-- Who called what, on which basis and for what: the combinations that occur. '' is what a record does not name.
create table audit.party (
  id integer generated always as identity primary key,
  environment text not null,
  partner_id text collate "C" not null,
  application_id text collate "C" not null,
  api_id text collate "C" not null,
  basis text collate "C" not null,
  purpose text collate "C" not null,
  unique (partner_id, application_id, api_id, environment, basis, purpose)
);

-- Days on which exchanges became evidence (UTC, by the clock of control): each is a partition, and goes as one.
create table audit.evidence_day (
  day date primary key,
  dropped_at timestamptz
);

-- One leaf of kind `exchanges`: the calls about people of one journal segment. `contents` is zstd over lines, one
-- canonical JSON record each; the Merkle root over them is in `record`.
create sequence audit.segment_id as bigint;
create table audit.segment (
  id bigint not null,
  day date not null,
  leaf_id text collate "C" not null,
  record text not null,
  records integer not null check (records > 0),
  contents bytea not null,
  primary key (id, day)
) partition by range (day);
alter table audit.segment alter column contents set storage external;
create index segment_leaf on audit.segment (leaf_id);

-- Where the record of an exchange is, and whom it is about: 0 for nobody, null when the subscriber was erased.
create table audit.exchange (
  id text collate "C" not null,
  at timestamptz not null,
  segment_id bigint not null,
  personal_id bigint,
  day date not null,
  position integer not null,
  party_id integer not null
) partition by range (day);
create index exchange_id on audit.exchange (id);
create index exchange_personal on audit.exchange (personal_id, at) where personal_id > 0;
create index exchange_party on audit.exchange (party_id, at);

-- One leaf each: what happened to consents, retention, erasure.
create table audit.evidence (
  kind text collate "C" not null,
  id text collate "C" not null,
  at timestamptz not null,
  appended_at timestamptz not null,
  record text not null,
  -- personal values, sealed with the key of the subject; both null when there are none
  sealed text,
  subject_id bigint,
  -- what it is about (a consent), and whether nothing follows: its age counts from then
  about text collate "C",
  final boolean not null default true,
  partner_id text collate "C",
  application_id text collate "C",
  primary key (kind, id)
);
create index evidence_subject on audit.evidence (subject_id, at) where subject_id is not null;
create index evidence_about on audit.evidence (kind, about, at);
create index evidence_partner on audit.evidence (partner_id, at);
create index evidence_at on audit.evidence (kind, at);

-- Who asked to erase a subscriber, and who confirmed it. The number is here, sealed, only until that was decided.
create table audit.erasure (
  id text primary key,
  state text not null check (state in ('asked', 'done', 'cancelled', 'expired')),
  reason text not null,
  sealed_number text,
  asked_by text not null,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  decided_by text,
  decided_at timestamptz,
  -- how many rows of each table were erased
  erased jsonb,
  check ((state = 'asked') = (sealed_number is not null)),
  check (state <> 'done' or decided_by is distinct from asked_by)
);
create index erasure_asked on audit.erasure (asked_at desc);

-- Contents change by the functions below only.
create function audit.refuse_content_change() returns trigger language plpgsql as $$
begin
  if current_setting('audit.forgetting', true) is distinct from 'yes' then
    raise exception '%.% is evidence: % is refused', tg_table_schema, tg_table_name, tg_op
      using errcode = 'insufficient_privilege';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger segment_is_kept before update or delete on audit.segment
  for each row execute function audit.refuse_content_change();
create trigger exchange_is_kept before update or delete on audit.exchange
  for each row execute function audit.refuse_content_change();
create trigger evidence_is_kept before update or delete on audit.evidence
  for each row execute function audit.refuse_content_change();
create trigger evidence_is_never_emptied before truncate on audit.evidence
  for each statement execute function audit.refuse_log_change();

-- The chain of actions has its own trigger: contents may go by retention, and only so.
create or replace function audit.refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('audit.forgetting', true) = 'yes' then
    return old;
  end if;
  raise exception 'audit.entry is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end
$$;

-- Appends evidence of one leaf, once.
create function audit.append_evidence(
  p_kind text, p_id text, p_at timestamptz, p_appended_at timestamptz, p_record text, p_sealed text,
  p_subject_id bigint, p_about text, p_final boolean, p_partner_id text, p_application_id text
) returns bigint language plpgsql as $$
begin
  insert into audit.evidence (kind, id, at, appended_at, record, sealed, subject_id, about, final, partner_id, application_id)
    values (p_kind, p_id, p_at, p_appended_at, p_record, p_sealed, p_subject_id, p_about, p_final, p_partner_id, p_application_id)
    on conflict do nothing;
  if not found then
    return null;
  end if;
  return audit.append_leaf(p_kind, p_id, sha256('\x00'::bytea || convert_to(p_record, 'UTF8')));
end
$$;

-- Makes the partitions of a day, once; a day whose contents went never comes back.
create function audit.make_evidence_day(p_day date) returns boolean language plpgsql as $$
declare
  gone timestamptz;
  suffix text := to_char(p_day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.evidence_day', 0));
  select dropped_at into gone from audit.evidence_day where day = p_day;
  if found then
    return gone is null;
  end if;
  execute format('create table audit.%I (like audit.segment including all)', 'segment_' || suffix);
  execute format('alter table audit.%I alter column contents set storage external', 'segment_' || suffix);
  execute format('alter table audit.segment attach partition audit.%I for values from (%L) to (%L)',
    'segment_' || suffix, p_day, p_day + 1);
  execute format('create table audit.%I (like audit.exchange including all)', 'exchange_' || suffix);
  execute format('alter table audit.exchange attach partition audit.%I for values from (%L) to (%L)',
    'exchange_' || suffix, p_day, p_day + 1);
  insert into audit.evidence_day (day) values (p_day);
  return true;
end
$$;

-- Destroys the key of a subscriber and what leads to what was sealed with it. Records and leaves stay as they are.
-- Null when nothing is known of the subscriber.
create function audit.erase_subject(
  p_environment text, p_pseudonym text, out exchanges bigint, out evidence bigint
) language plpgsql as $$
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
end
$$;

-- Tells as a leaf which contents went by their age: the leaves at these positions.
create function audit.append_retention(
  p_kind text, p_id text, p_before timestamptz, p_now timestamptz, p_gone bigint[], p_records bigint, p_erased bigint
) returns void language plpgsql as $$
declare
  ranges text;
begin
  -- Runs among the leaves of this kind: most often there is one.
  with gone as (select unnest(p_gone) as position),
  span as (
    select l.position, g.position is not null as went,
      count(*) filter (where g.position is null) over (order by l.position) as run
    from audit.leaf l left join gone g on g.position = l.position
    where l.kind = p_kind and l.position between (select min(position) from gone) and (select max(position) from gone)
  ),
  runs as (select min(position) as first, max(position) as last, count(*) as leaves from span where went group by run)
  select string_agg(format('{"first":%s,"last":%s,"leaves":%s}', first, last, leaves), ',' order by first)
    into ranges from runs;
  -- Canonical JSON: members in their order, no white space.
  perform audit.append_evidence('retention', p_id, p_now, p_now, format(
    '{"at":"%s","before":"%s","erased":%s,"id":"%s","kind":"retention","of":"%s","ranges":[%s],"records":%s}',
    audit.moment(p_now), audit.moment(p_before), p_erased, p_id, p_kind, ranges, p_records
  ), null, null, null, true, null, null);
end
$$;

-- As JSON writes a moment.
create function audit.moment(at timestamptz) returns text language sql immutable
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- Contents of exchanges of one day go, and a leaf says so. @returns how many records went
create function audit.forget_exchange_day(p_day date, p_id text, p_before timestamptz, p_now timestamptz)
  returns bigint language plpgsql as $$
declare
  gone bigint[];
  records bigint;
  erased bigint;
  suffix text := to_char(p_day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.evidence_day', 0));
  perform 1 from audit.evidence_day where day = p_day and dropped_at is null;
  if not found or p_day >= p_before::date then
    return 0;
  end if;
  -- Rather not now than holding up the intake behind a long reader.
  perform set_config('lock_timeout', '2s', true);
  -- Before the log is locked: the intake locks in this order.
  execute format('lock table audit.%I, audit.%I in access exclusive mode', 'segment_' || suffix, 'exchange_' || suffix);
  select array_agg(l.position), coalesce(sum(s.records), 0) into gone, records
    from audit.segment s join audit.leaf l on l.kind = 'exchanges' and l.id = s.leaf_id where s.day = p_day;
  select count(*) into erased from audit.exchange where day = p_day and personal_id is null;
  execute format('drop table audit.%I, audit.%I', 'segment_' || suffix, 'exchange_' || suffix);
  update audit.evidence_day set dropped_at = p_now where day = p_day;
  if gone is not null then
    perform audit.append_retention('exchanges', p_id, p_before, p_now, gone, records, erased);
  end if;
  return records;
end
$$;

-- Contents of single leaves of a kind go when what they are about ended before `p_before`; at most 10 000 at a time.
create function audit.forget_evidence(p_kind text, p_id text, p_before timestamptz, p_now timestamptz)
  returns bigint language plpgsql as $$
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
    where e.kind = p_kind and e.at < p_before and (e.about is null or (
      exists (select 1 from audit.evidence f
        where f.kind = e.kind and f.about = e.about and f.final and f.at < p_before)
      and not exists (select 1 from audit.evidence f
        where f.kind = e.kind and f.about = e.about and f.at >= p_before)))
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

-- The oldest actions go, never the newest one: the chain goes on from it. At most 10 000 at a time.
create function audit.forget_actions(p_id text, p_before timestamptz, p_now timestamptz)
  returns bigint language plpgsql as $$
declare
  gone bigint[];
  until bigint;
  records bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.entry', 0));
  select min(e.sequence) - 1 into until from (
    select sequence from audit.entry where occurred_at >= p_before
    union all select max(sequence) from audit.entry
    union all select min(sequence) + 10000 from audit.entry
  ) as e;
  perform set_config('audit.forgetting', 'yes', true);
  with deleted as (delete from audit.entry where sequence <= until returning event_id)
  select array_agg(l.position), count(*) into gone, records
    from deleted d join audit.leaf l on l.kind = 'action' and l.id = d.event_id;
  perform set_config('audit.forgetting', '', true);
  if gone is not null then
    perform audit.append_retention('action', p_id, p_before, p_now, gone, records, 0);
  end if;
  return records;
end
$$;

-- What changes or takes away evidence runs as the owner of the tables, so nobody else needs a right to do it.
alter function audit.append_evidence security definer set search_path = pg_catalog, pg_temp;
alter function audit.make_evidence_day security definer set search_path = pg_catalog, pg_temp;
alter function audit.erase_subject security definer set search_path = pg_catalog, pg_temp;
alter function audit.forget_exchange_day security definer set search_path = pg_catalog, pg_temp;
alter function audit.forget_evidence security definer set search_path = pg_catalog, pg_temp;
alter function audit.forget_actions security definer set search_path = pg_catalog, pg_temp;
revoke all on function audit.append_evidence, audit.make_evidence_day, audit.erase_subject, audit.append_retention,
  audit.forget_exchange_day, audit.forget_evidence, audit.forget_actions from public;
