-- The Merkle log of all evidence (RFC 9162, section 2.1). A leaf keeps its hash for ever; what was hashed is kept by its
-- kind (`action`: audit.entry) and may one day go, while every proof stays.
create table audit.leaf (
  position bigint primary key check (position >= 0),
  kind text not null,
  -- what is unique within the kind: the event id of an action
  id text not null,
  hash bytea not null check (octet_length(hash) = 32),
  unique (kind, id)
);

-- Full subtrees above the leaves: the node (level, position) covers the leaves from position * 2^level on. A node is
-- written once, with the leaf that completes it.
create table audit.node (
  level smallint not null check (level > 0),
  position bigint not null check (position >= 0),
  hash bytea not null check (octet_length(hash) = 32),
  primary key (level, position)
);

-- Appends one leaf and the nodes that it completes. Appenders take turns until they commit: whoever sees a leaf sees all
-- before it.
create function audit.append_leaf(leaf_kind text, leaf_id text, leaf_hash bytea) returns bigint language plpgsql as $$
declare
  own bigint;
  place bigint;
  height smallint := 0;
  sibling bytea;
  carried bytea := leaf_hash;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.leaf', 0));
  select position + 1 into own from audit.leaf order by position desc limit 1;
  own := coalesce(own, 0);
  insert into audit.leaf (position, kind, id, hash) values (own, leaf_kind, leaf_id, leaf_hash);
  place := own;
  while place % 2 = 1 loop
    if height = 0 then
      select hash into strict sibling from audit.leaf where position = place - 1;
    else
      select hash into strict sibling from audit.node where level = height and position = place - 1;
    end if;
    carried := sha256('\x01'::bytea || sibling || carried);
    place := place / 2;
    height := height + 1;
    insert into audit.node (level, position, hash) values (height, place, carried);
  end loop;
  return own;
end
$$;

-- Entries that the version before this one writes while both serve become leaves, too.
create function audit.append_entry_leaf() returns trigger language plpgsql as $$
begin
  perform audit.append_leaf('action', new.event_id, new.hash);
  return null;
end
$$;

lock table audit.entry in share row exclusive mode;
insert into audit.leaf (position, kind, id, hash)
  select row_number() over (order by sequence) - 1, 'action', event_id, hash from audit.entry;
do $$
declare
  height smallint := 1;
begin
  insert into audit.node (level, position, hash)
    select 1, l.position / 2, sha256('\x01'::bytea || l.hash || r.hash)
    from audit.leaf l join audit.leaf r on r.position = l.position + 1 where l.position % 2 = 0;
  while found loop
    insert into audit.node (level, position, hash)
      select height + 1, l.position / 2, sha256('\x01'::bytea || l.hash || r.hash)
      from audit.node l join audit.node r on r.level = height and r.position = l.position + 1
      where l.level = height and l.position % 2 = 0;
    height := height + 1;
  end loop;
end
$$;
create trigger entry_is_a_leaf after insert on audit.entry
  for each row execute function audit.append_entry_leaf();

create function audit.refuse_log_change() returns trigger language plpgsql as $$
begin
  raise exception '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
    using errcode = 'insufficient_privilege';
end
$$;
create trigger leaf_is_append_only before update or delete on audit.leaf
  for each row execute function audit.refuse_log_change();
create trigger leaf_is_never_emptied before truncate on audit.leaf
  for each statement execute function audit.refuse_log_change();
create trigger node_is_append_only before update or delete on audit.node
  for each row execute function audit.refuse_log_change();
create trigger node_is_never_emptied before truncate on audit.node
  for each statement execute function audit.refuse_log_change();
