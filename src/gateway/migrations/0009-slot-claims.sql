-- Members that want more slots of a contract than they were given, and those that hold some meanwhile, by name:
-- [since, until, want, given]. Nobody holds more than a fair part while another wants it; where there are fewer slots
-- than members, they go from one to the next.
alter table gateway.limit_slot add column claims jsonb not null default '{}';

-- Shares slots while somebody wants more than there is. `p_before` is what was counted for the member until now,
-- `p_usable` what the limit leaves it, `p_members` and `p_held` are the others. `given` is what it is told, `counted` what
-- counts until it tells that it uses no more than that.
create function gateway.limit_share(
  p_environment text, p_member text, p_ask jsonb, p_before bigint, p_usable bigint, p_room bigint,
  p_members text[], p_held bigint[], p_claims jsonb, p_now bigint,
  out given bigint, out counted bigint, out claims jsonb
) language plpgsql as $$
declare
  v_limit bigint := (p_ask->>1)::bigint;
  v_floor bigint := (p_ask->>2)::bigint;
  v_want bigint := (p_ask->>3)::bigint;
  v_own jsonb := case when (p_claims->p_member->>1)::bigint > p_now then p_claims->p_member end;
  v_serving boolean := coalesce((v_own->>3)::bigint, p_before) > 0;
  v_since bigint := coalesce((v_own->>0)::bigint, case when v_serving then 0 else p_now end);
  v_hungry text[];
  v_fair bigint;
  v_due bigint;
  v_ahead bigint;
  v_wants boolean;
begin
  select coalesce(jsonb_object_agg(c.key, c.value), '{}'),
      coalesce(array_agg(c.key) filter (where (c.value->>2)::bigint > (c.value->>3)::bigint), '{}')
    into claims, v_hungry
    from jsonb_each(p_claims) c
    join gateway.limit_member l on l.environment = p_environment and l.member = c.key and l.until > p_now
    where c.key <> p_member and (c.value->>1)::bigint > p_now;
  given := p_usable;
  if v_hungry <> '{}' then
    select v_limit / count(*) into v_fair
      from (select p_member union select unnest(p_members) union select unnest(v_hungry)) sharing;
    select sum(greatest(0, least((claims->h.name->>2)::bigint, v_fair) - coalesce(o.held, 0))),
        count(*) filter (where (claims->h.name->>3)::bigint = 0 and (v_serving
          or ((claims->h.name->>0)::bigint, h.name collate "C") < (v_since, p_member)))
      into v_due, v_ahead
      from unnest(v_hungry) as h (name)
      left join unnest(p_members, p_held) as o (name, held) on o.name = h.name;
    given := least(p_usable, case
      when v_fair > 0 then greatest(v_fair, p_room - v_due)
      when v_serving and p_now - v_since < 150 then 1
      else greatest(0, least(1, p_room - v_ahead)) end);
  end if;
  counted := greatest(given, v_floor, least((p_ask->>4)::bigint, p_usable));
  -- Who does not come for what is free does not keep it from others for long.
  if p_room > counted and v_hungry <> '{}' then
    select jsonb_object_agg(c.key, case when c.key = any (v_hungry)
        then jsonb_set(c.value, '{1}', to_jsonb(least((c.value->>1)::bigint, p_now + 250))) else c.value end)
      into claims from jsonb_each(claims) c;
  end if;
  v_wants := v_want > greatest(given, v_floor);
  if v_wants or (v_hungry <> '{}' and given > 0) then
    claims := claims || jsonb_build_object(p_member, jsonb_build_array(
      case when v_serving = (given > 0) then v_since else p_now end,
      p_now + 1000, case when v_wants then v_want else given end, given));
  end if;
end $$;

-- The calls that a member may have under way: `ask` is [key, limit, floor, want, held]. What it has under way already
-- counts, whatever the limit is now, and also when it is told to use fewer. One of the version before tells no `held`: it
-- cannot be told to use fewer.
create or replace function gateway.limit_slot(p_environment text, p_member text, p_ask jsonb, p_serves boolean)
  returns bigint language plpgsql as $$
declare
  v_key text := p_ask->>0;
  v_floor bigint := (p_ask->>2)::bigint;
  v_want bigint := (p_ask->>3)::bigint;
  v_members text[];
  v_held bigint[];
  v_claims jsonb;
  v_before bigint;
  v_room bigint;
  v_given bigint;
  v_counted bigint;
  v_now bigint;
begin
  insert into gateway.limit_slot (environment, key, members, held)
    values (p_environment, v_key, '{}', '{}') on conflict do nothing;
  select s.members, s.held, s.claims into v_members, v_held, v_claims from gateway.limit_slot s
    where s.environment = p_environment and s.key = v_key for update;
  v_now := gateway.limit_now();
  v_before := coalesce(v_held[array_position(v_members, p_member)], 0);
  select coalesce(array_agg(u.m), '{}'), coalesce(array_agg(u.h), '{}'),
      greatest(0, (p_ask->>1)::bigint - coalesce(sum(u.h), 0))
    into v_members, v_held, v_room
    from unnest(v_members, v_held) as u (m, h)
    join gateway.limit_member l on l.environment = p_environment and l.member = u.m and l.until > v_now
    where u.m <> p_member;
  v_given := case when p_serves then greatest(v_floor, least(v_want, v_room)) else v_floor end;
  v_counted := v_given;
  if p_serves and p_ask->>4 is not null and (v_claims <> '{}' or v_want > greatest(v_floor, v_given)) then
    select s.given, s.counted, s.claims into v_given, v_counted, v_claims
      from gateway.limit_share(p_environment, p_member, p_ask, v_before, v_given, v_room, v_members, v_held,
        v_claims, v_now) s;
  end if;
  if v_counted > 0 then
    v_members := v_members || p_member;
    v_held := v_held || v_counted;
  end if;
  update gateway.limit_slot s set members = v_members, held = v_held, claims = v_claims
    where s.environment = p_environment and s.key = v_key;
  return v_given;
end $$;

revoke all on function gateway.limit_share from public;
