-- Rates and concurrency of all gateways of an environment, carved into leases. The tables are unlogged: what they hold
-- is worth nothing after a window, and must cost no disk write. A server that was killed empties them; the gateways see
-- that by the epoch, and are careful until a window later. Times are milliseconds of this server's clock.
create unlogged table gateway.limit_state (
  environment text primary key check (environment in ('sandbox', 'production')),
  epoch text not null,
  born_at bigint not null,
  -- whether a gateway has seen an earlier epoch
  lost boolean not null default false,
  -- the one member that decides without asking, and until when
  alone_member text,
  alone_until bigint not null default 0
) with (fillfactor = 50);

create unlogged table gateway.limit_member (
  environment text not null,
  member text not null,
  -- it lives until then unless it is heard of again
  until bigint not null,
  primary key (environment, member)
) with (fillfactor = 50);

-- What counts in a window of a contract: `amounts` leave it at `ends`, which ascend.
create unlogged table gateway.limit_window (
  environment text not null,
  key text not null,
  ends bigint[] not null,
  amounts bigint[] not null,
  last_end bigint not null,
  primary key (environment, key)
) with (fillfactor = 50);

-- How many calls of a contract each member may have under way.
create unlogged table gateway.limit_slot (
  environment text not null,
  key text not null,
  members text[] not null,
  held bigint[] not null,
  primary key (environment, key)
) with (fillfactor = 50);

create function gateway.limit_now() returns bigint language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- Makes the question's member live, and tells how it stands: alone, waiting for one that is, or sharing.
-- An ordinary question takes the environment's lock shared; one that changes who is there takes it alone.
create function gateway.limit_standing(p_environment text, p_question jsonb) returns text language plpgsql as $$
declare
  v_member text := p_question->>'m';
  v_beat boolean := coalesce((p_question->>'b')::boolean, false);
  v_release boolean := coalesce((p_question->>'r')::boolean, false);
  v_leaving boolean := coalesce((p_question->>'l')::boolean, false);
  v_epoch text := coalesce(p_question->>'e', '');
  v_lock bigint := hashtextextended('wayleave.limits.' || p_environment, 0);
  v_state gateway.limit_state;
  v_until bigint;
  v_single boolean;
  v_now bigint;
begin
  if not (v_beat or v_release or v_leaving) then
    perform pg_advisory_xact_lock_shared(v_lock);
    v_now := gateway.limit_now();
    select s.* into v_state from gateway.limit_state s where s.environment = p_environment;
    select m.until into v_until from gateway.limit_member m
      where m.environment = p_environment and m.member = v_member;
    if v_until >= v_now + 1000 and v_state.epoch is not null and (v_epoch = '' or v_epoch = v_state.epoch) then
      return case when v_state.alone_member <> v_member and v_state.alone_until > v_now
        then 'waiting' else 'shared' end;
    end if;
    -- Two that upgrade the shared lock would wait for each other: the gateway asks again with a beat.
    return 'beat';
  end if;

  perform pg_advisory_xact_lock(v_lock);
  v_now := gateway.limit_now();
  insert into gateway.limit_state (environment, epoch, born_at)
    values (p_environment, gen_random_uuid()::text, v_now)
    on conflict do nothing;
  select s.* into v_state from gateway.limit_state s where s.environment = p_environment;
  if v_epoch <> '' and v_epoch <> v_state.epoch and not v_state.lost then
    update gateway.limit_state s set lost = true where s.environment = p_environment;
  end if;
  if v_state.alone_member is not null
    and (v_state.alone_until <= v_now or (v_state.alone_member = v_member and (v_release or v_leaving))) then
    update gateway.limit_state s set alone_member = null, alone_until = 0 where s.environment = p_environment;
    v_state.alone_member := null;
  end if;
  if v_leaving then
    update gateway.limit_member m set until = v_now
      where m.environment = p_environment and m.member = v_member and m.until > v_now;
    return 'shared';
  end if;
  insert into gateway.limit_member as m (environment, member, until) values (p_environment, v_member, v_now + 2000)
    on conflict (environment, member) do update set until = excluded.until;
  if v_state.alone_member <> v_member then return 'waiting'; end if;
  if v_release then return 'shared'; end if;
  v_single := not exists (
    select from gateway.limit_member m
      where m.environment = p_environment and m.member <> v_member and m.until > v_now
  );
  -- One that was alone keeps others waiting until it has told what it admitted, and gives it up.
  if v_single or v_state.alone_member is not null then
    update gateway.limit_state s set alone_member = v_member, alone_until = v_now + 2000
      where s.environment = p_environment;
  end if;
  return case when v_single then 'alone' else 'shared' end;
end $$;

-- One window: forgets what has left it, takes back what leases left unused, adds what was admitted without one, and
-- grants. `ask` is [key, window, limit, lease, least, want, [mark, amount, …], [age, amount, …]]; the answer
-- [granted, mark, left, wait, next].
create function gateway.limit_window(p_environment text, p_ask jsonb, p_serves boolean) returns jsonb language plpgsql as $$
declare
  v_key text := p_ask->>0;
  v_window bigint := (p_ask->>1)::bigint;
  v_limit bigint := (p_ask->>2)::bigint;
  v_lease bigint := (p_ask->>3)::bigint;
  v_least bigint := (p_ask->>4)::bigint;
  v_want bigint := (p_ask->>5)::bigint;
  v_step bigint := greatest(1, v_window / 64);
  v_now bigint;
  v_ends bigint[];
  v_amounts bigint[];
  v_sum bigint;
  v_free bigint;
  v_granted bigint := 0;
  v_mark bigint := 0;
  v_wait bigint := 0;
begin
  insert into gateway.limit_window (environment, key, ends, amounts, last_end)
    values (p_environment, v_key, '{}', '{}', 0) on conflict do nothing;
  select w.ends, w.amounts into v_ends, v_amounts from gateway.limit_window w
    where w.environment = p_environment and w.key = v_key for update;
  -- After the lock: the grant must not be dated before what was granted to others meanwhile.
  v_now := gateway.limit_now();
  select coalesce(array_agg(u.e order by u.e), '{}'), coalesce(array_agg(u.a order by u.e), '{}'), coalesce(sum(u.a), 0)
    into v_ends, v_amounts, v_sum
    from (
      select b.e, greatest(0, sum(b.a)) as a from (
        select e, a from unnest(v_ends, v_amounts) as was (e, a)
        union all
        select (p_ask->6->>i)::bigint, -(p_ask->6->>(i + 1))::bigint
          from generate_series(0, jsonb_array_length(p_ask->6) - 1, 2) as i
          where (p_ask->6->>i)::bigint = any (v_ends)
        union all
        select ((v_now - (p_ask->7->>i)::bigint + v_window + v_step - 1) / v_step) * v_step,
            (p_ask->7->>(i + 1))::bigint
          from generate_series(0, jsonb_array_length(p_ask->7) - 1, 2) as i
          where (p_ask->7->>i)::bigint < v_window
      ) b where b.e > v_now group by b.e
    ) u where u.a > 0;
  v_free := greatest(0, v_limit - v_sum);
  if p_serves and v_least > 0 and v_free >= v_least then
    v_granted := least(v_want, v_free);
    v_mark := ((v_now + v_lease + v_window + v_step - 1) / v_step) * v_step;
    if v_ends[cardinality(v_ends)] = v_mark then
      v_amounts[cardinality(v_amounts)] := v_amounts[cardinality(v_amounts)] + v_granted;
    elsif cardinality(v_ends) = 0 or v_ends[cardinality(v_ends)] < v_mark then
      v_ends := v_ends || v_mark;
      v_amounts := v_amounts || v_granted;
    else
      -- A lease of another length ends later than this one.
      select array_agg(u.e order by u.e), array_agg(u.a order by u.e) into v_ends, v_amounts
        from (
          select b.e, sum(b.a) as a
            from (select e, a from unnest(v_ends, v_amounts) as was (e, a) union all select v_mark, v_granted) b
            group by b.e
        ) u;
    end if;
  elsif v_least > v_free then
    select coalesce(min(u.e), v_ends[cardinality(v_ends)], v_now) - v_now into v_wait
      from (
        select e, sum(a) over (order by e) as freed from unnest(v_ends, v_amounts) as was (e, a)
      ) u where u.freed >= v_least - v_free;
  end if;
  update gateway.limit_window w
    set ends = v_ends, amounts = v_amounts, last_end = coalesce(v_ends[cardinality(v_ends)], 0)
    where w.environment = p_environment and w.key = v_key;
  return jsonb_build_array(v_granted, v_mark, v_free - v_granted, v_wait, coalesce(v_ends[1] - v_now, 0));
end $$;

-- The calls that a member may have under way: `ask` is [key, limit, floor, want]. What it has under way already stays
-- its own, whatever the limit is now.
create function gateway.limit_slot(p_environment text, p_member text, p_ask jsonb, p_serves boolean)
  returns bigint language plpgsql as $$
declare
  v_key text := p_ask->>0;
  v_floor bigint := (p_ask->>2)::bigint;
  v_members text[];
  v_held bigint[];
  v_others bigint;
  v_own bigint;
  v_now bigint;
begin
  insert into gateway.limit_slot (environment, key, members, held)
    values (p_environment, v_key, '{}', '{}') on conflict do nothing;
  select s.members, s.held into v_members, v_held from gateway.limit_slot s
    where s.environment = p_environment and s.key = v_key for update;
  v_now := gateway.limit_now();
  select coalesce(array_agg(u.m), '{}'), coalesce(array_agg(u.h), '{}'), coalesce(sum(u.h), 0)
    into v_members, v_held, v_others
    from unnest(v_members, v_held) as u (m, h)
    join gateway.limit_member l on l.environment = p_environment and l.member = u.m and l.until > v_now
    where u.m <> p_member;
  v_own := case when p_serves
    then greatest(v_floor, least((p_ask->>3)::bigint, greatest(0, (p_ask->>1)::bigint - v_others)))
    else v_floor end;
  if v_own > 0 then
    v_members := v_members || p_member;
    v_held := v_held || v_own;
  end if;
  update gateway.limit_slot s set members = v_members, held = v_held
    where s.environment = p_environment and s.key = v_key;
  return v_own;
end $$;

-- One question of a gateway: {m: member, b: beat, r: release, l: leaving, e: epoch, w: [asks], s: [asks]}, its asks in
-- the order of their keys, so that two questions never wait for each other.
create function gateway.limits(p_environment text, p_question jsonb) returns jsonb language plpgsql as $$
declare
  v_standing text;
  v_serves boolean;
  v_windows jsonb := '[]';
  v_slots jsonb := '[]';
  v_ask jsonb;
  v_state gateway.limit_state;
  v_members bigint;
  v_others bigint;
  v_now bigint;
begin
  v_standing := gateway.limit_standing(p_environment, p_question);
  if v_standing = 'beat' then return null; end if;
  v_serves := v_standing <> 'waiting' and not coalesce((p_question->>'l')::boolean, false);
  for v_ask in select * from jsonb_array_elements(p_question->'w') loop
    v_windows := v_windows || jsonb_build_array(gateway.limit_window(p_environment, v_ask, v_serves));
  end loop;
  for v_ask in select * from jsonb_array_elements(p_question->'s') loop
    v_slots := v_slots || to_jsonb(gateway.limit_slot(p_environment, p_question->>'m', v_ask, v_serves));
  end loop;
  v_now := gateway.limit_now();
  select s.* into v_state from gateway.limit_state s where s.environment = p_environment;
  select count(*) filter (where m.until > v_now), max(m.until) filter (where m.member <> p_question->>'m')
    into v_members, v_others from gateway.limit_member m where m.environment = p_environment;
  if (p_question->>'b')::boolean and random() < 0.005 then
    perform gateway.sweep_limits(p_environment, v_now);
  end if;
  return jsonb_build_object(
    'e', v_state.epoch, 'l', case when v_state.lost then v_now - v_state.born_at end, 's', v_standing,
    'm', v_members, 'o', greatest(0, v_now - v_others), 'w', v_windows, 'h', v_slots);
end $$;

-- Forgets members of more than an hour ago, and windows and slots that nobody uses.
create function gateway.sweep_limits(p_environment text, p_now bigint) returns void language plpgsql as $$
begin
  delete from gateway.limit_member m where m.environment = p_environment and m.until < p_now - 3600000;
  delete from gateway.limit_window w where (w.environment, w.key) in (
    select x.environment, x.key from gateway.limit_window x
      where x.environment = p_environment and x.last_end < p_now limit 1000 for update skip locked);
  delete from gateway.limit_slot s where (s.environment, s.key) in (
    select x.environment, x.key from gateway.limit_slot x
      where x.environment = p_environment and x.members = '{}' limit 1000 for update skip locked);
end $$;

create function gateway.limit_sandbox(p_question jsonb)
  returns jsonb language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.limits('sandbox', p_question)
$$;
create function gateway.limit_production(p_question jsonb)
  returns jsonb language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.limits('production', p_question)
$$;

do $$
declare
  v_name text;
begin
  foreach v_name in array array['limit_now', 'limit_standing', 'limit_window', 'limit_slot', 'limits', 'sweep_limits',
    'limit_sandbox', 'limit_production'] loop
    execute format('revoke all on function gateway.%I from public', v_name);
  end loop;
end $$;
