-- The keys that checkpoints are signed with. `origin` names the log for ever, and is the name of each key.
create table audit.signing_key (
  id text primary key check (id ~ '^[0-9a-f]{8}$'),
  origin text not null,
  public_key text not null,
  sealed_private_key text not null,
  made_at timestamptz not null
);

-- What was signed: the log had so many leaves and this root. `note` is the signed text (C2SP tlog-checkpoint).
create table audit.checkpoint (
  size bigint primary key check (size > 0),
  root bytea not null check (octet_length(root) = 32),
  key_id text not null references audit.signing_key (id),
  note text not null,
  made_at timestamptz not null
);

-- Which sink has which of them.
create table audit.checkpoint_export (
  sink text not null,
  size bigint not null references audit.checkpoint (size),
  exported_at timestamptz not null,
  primary key (sink, size)
);

create trigger checkpoint_is_append_only before update or delete on audit.checkpoint
  for each row execute function audit.refuse_log_change();
create trigger checkpoint_is_never_emptied before truncate on audit.checkpoint
  for each statement execute function audit.refuse_log_change();
create trigger checkpoint_export_is_append_only before update or delete on audit.checkpoint_export
  for each row execute function audit.refuse_log_change();
create trigger checkpoint_export_is_never_emptied before truncate on audit.checkpoint_export
  for each statement execute function audit.refuse_log_change();
