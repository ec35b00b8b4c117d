create schema audit;

-- One row per action, in the order in which they were counted; each row's hash covers the row before it.
create table audit.entry (
  sequence bigint primary key check (sequence > 0),
  event_id text not null unique,
  occurred_at timestamptz not null,
  actor_kind text not null check (actor_kind in ('anonymous', 'partner', 'operator', 'system')),
  actor_id text,
  via text,
  partner_id text,
  action text not null,
  target text not null,
  detail jsonb not null,
  previous_hash bytea not null check (octet_length(previous_hash) = 32),
  hash bytea not null check (octet_length(hash) = 32)
);
create index entry_partner on audit.entry (partner_id, sequence desc);

create function audit.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit.entry is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end
$$;
create trigger entry_is_append_only before update or delete on audit.entry
  for each row execute function audit.refuse_change();
create trigger entry_is_never_emptied before truncate on audit.entry
  for each statement execute function audit.refuse_change();
