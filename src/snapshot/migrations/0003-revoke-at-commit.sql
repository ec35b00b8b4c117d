-- What ends reaches gateways with the transaction that ends it: no control process is needed for it. A row is here only
-- inside of that transaction. At its commit the row becomes an entry of the feed, as late as can be, because whoever
-- gives revisions makes all other writers of the environment wait until they are visible.
create table snapshot.revoking (
  position bigint generated always as identity primary key,
  environment text not null check (environment in ('sandbox', 'production')),
  -- of a consent, a grant, a token or an objection
  id text not null check (length(id) between 1 and 700),
  body jsonb not null,
  at timestamptz not null
);

-- Whoever may call this can take away and never give: an entry stops calls, and a consent becomes a no.
create function snapshot.revoke(p_environment text, p_id text, p_until text, p_at timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if p_until::timestamptz > p_at + interval '1 day' or (p_until is null) <> starts_with(p_id, 'obj:') then
    raise exception 'only an objection stands without an end, and nothing else for more than a day';
  end if;
  insert into snapshot.revoking (environment, id, body, at) values (
    p_environment, p_id,
    jsonb_strip_nulls(jsonb_build_object('kind', 'revocation', 'id', p_id, 'until', p_until)), p_at);
end
$$;

-- The many consents of an application that is gone end in one transaction: its commit takes time in proportion to them.
create function snapshot.publish_revocations() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '4s' as $$
declare
  place text;
  last bigint;
  newest bigint;
begin
  -- The first of a transaction publishes them all; those after it know that, without looking for what is gone.
  if new.position <= coalesce(nullif(current_setting('snapshot.published_to', true), ''), '0')::bigint then
    return null;
  end if;
  select max(r.position) into newest from snapshot.revoking r;
  perform set_config('snapshot.published_to', newest::text, true);
  -- In the order of all writers: sandbox first.
  for place in select distinct r.environment from snapshot.revoking r order by 1 desc loop
    perform from snapshot.head h where h.environment = place for no key update;
    with ended as (
      delete from snapshot.revoking r where r.environment = place returning r.position, r.id, r.body, r.at
    ), once as (
      select distinct on (ended.id) ended.* from ended order by ended.id, ended.position
    ), fresh as (
      select once.*, row_number() over (order by once.position) as place_in_row, count(*) over () as all_of_them
      from once
      where not exists (
        select from snapshot.entry e
        where e.environment = place and e.kind = 'revocation' and e.id = once.id and e.body is not null)
    ), head as (
      update snapshot.head h set revision = h.revision + (select count(*) from fresh)
      where h.environment = place and exists (select from fresh) returning h.revision
    ), refused as (
      -- What a control process would write there once it has heard of it.
      update snapshot.consent c set granted = false from once
      where c.environment = place and c.id = once.id and c.granted
    ), written as (
      insert into snapshot.entry (environment, kind, id, revision, body, changed_at)
      select place, 'revocation', fresh.id, head.revision - fresh.all_of_them + fresh.place_in_row, fresh.body, fresh.at
      from fresh, head
      on conflict (environment, kind, id) do update
        set revision = excluded.revision, body = excluded.body, changed_at = excluded.changed_at
    )
    select head.revision into last from head;
    if last is not null then
      perform pg_notify('wayleave_snapshot_' || place, last::text);
    end if;
  end loop;
  return null;
exception when lock_not_available or deadlock_detected then
  -- A control process is in the midst of writing much. It hears of these, too, and then writes them itself.
  delete from snapshot.revoking;
  perform set_config('snapshot.published_to', newest::text, true);
  return null;
end
$$;
create constraint trigger revoked_at_commit after insert on snapshot.revoking
  deferrable initially deferred for each row execute function snapshot.publish_revocations();
revoke all on function snapshot.revoke, snapshot.publish_revocations from public;
