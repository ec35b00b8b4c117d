-- Retention takes away what is old, and who asks for it says what that is. Whoever takes over a process that may ask could
-- say anything: contents of the last 30 days stay, by the clock of the database.
create function audit.refuse_early_removal() returns trigger language plpgsql as $$
begin
  raise exception 'evidence of the last 30 days stays: % of %.% is refused', tg_op, tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end
$$;
revoke all on function audit.refuse_early_removal from public;
create trigger young_entry_stays before delete on audit.entry for each row
  when (old.occurred_at > now() - interval '30 days') execute function audit.refuse_early_removal();
create trigger young_evidence_stays before delete on audit.evidence for each row
  when (greatest(old.at, old.appended_at) > now() - interval '30 days') execute function audit.refuse_early_removal();
create trigger young_day_stays before update on audit.evidence_day for each row
  when (new.dropped_at is not null and old.day > (now() at time zone 'UTC')::date - 30)
  execute function audit.refuse_early_removal();
