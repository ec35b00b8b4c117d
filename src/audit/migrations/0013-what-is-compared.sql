-- What tells that contents went also tells which leaves they were of: kind and id of a leaf stand in the hash of its contents,
-- and when those have gone, in nothing else. `names` is SHA-256 over a line for each, in their order: position, space, id.
create or replace function audit.append_retention(
  p_kind text, p_id text, p_before timestamptz, p_now timestamptz, p_gone bigint[], p_records bigint, p_erased bigint
) returns void language plpgsql as $$
declare
  ranges text;
  names text;
begin
  -- Runs among the leaves of this kind: most often there is one.
  with gone as (select unnest(p_gone) as position),
  span as (
    select l.position, l.id, g.position is not null as went,
      count(*) filter (where g.position is null) over (order by l.position) as run
    from audit.leaf l left join gone g on g.position = l.position
    where l.kind = p_kind and l.position between (select min(position) from gone) and (select max(position) from gone)
  ),
  runs as (
    select min(position) as first, max(position) as last, count(*) as leaves,
      string_agg(position || ' ' || id || E'\n', '' order by position) as lines
    from span where went group by run
  )
  select string_agg(format('{"first":%s,"last":%s,"leaves":%s}', first, last, leaves), ',' order by first),
      encode(sha256(convert_to(string_agg(lines, '' order by first), 'UTF8')), 'hex')
    into ranges, names from runs;
  -- Canonical JSON: members in their order, no white space.
  perform audit.append_evidence('retention', p_id, p_now, p_now, format(
    '{"at":"%s","before":"%s","erased":%s,"id":"%s","kind":"retention","names":"%s","of":"%s","ranges":[%s],"records":%s}',
    audit.moment(p_now), audit.moment(p_before), p_erased, p_id, names, p_kind, ranges, p_records
  ), null, null, null, true, null, null);
end
$$;

-- Records tell milliseconds: the columns that are compared with them have no more.
create or replace function audit.append_evidence(
  p_kind text, p_id text, p_at timestamptz, p_appended_at timestamptz, p_record text, p_sealed text,
  p_subject_id bigint, p_about text, p_final boolean, p_partner_id text, p_application_id text
) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into audit.evidence (kind, id, at, appended_at, record, sealed, subject_id, about, final, partner_id, application_id)
    values (p_kind, p_id, date_trunc('milliseconds', p_at), date_trunc('milliseconds', p_appended_at), p_record, p_sealed,
      p_subject_id, p_about, p_final, p_partner_id, p_application_id)
    on conflict do nothing;
  if not found then
    return null;
  end if;
  return audit.append_leaf(p_kind, p_id, sha256('\x00'::bytea || convert_to(p_record, 'UTF8')));
end
$$;
