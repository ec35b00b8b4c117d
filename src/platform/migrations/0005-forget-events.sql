-- Events stay until everybody has reacted to them and a while longer; what they tell of a subscriber may have to go earlier.
create function platform.forget_delivered_events(p_before timestamptz, p_most integer) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_count integer;
begin
  delete from platform.outbox o where o.position in (
    select e.position from platform.outbox e
    where e.occurred_at < p_before and not exists (select from platform.delivery d where d.event_id = e.id)
    order by e.position limit p_most);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- What delivered events tell of a subscriber goes; the events stay.
create function platform.erase_from_events(p_pseudonym text) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_count integer;
begin
  if length(p_pseudonym) < 20 then
    raise exception 'this is no pseudonym';
  end if;
  update platform.outbox o set payload = '{"erased": true}'
    where position(p_pseudonym in o.payload::text) > 0
      and not exists (select from platform.delivery d where d.event_id = o.id);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
revoke all on function platform.forget_delivered_events, platform.erase_from_events from public;
