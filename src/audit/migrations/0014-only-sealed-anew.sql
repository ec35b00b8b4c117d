-- Keys are sealed anew after a rotation, by the process that serves. It may do that, and nothing else with them: a value takes
-- the place of one that another data key sealed, and holds as much. What is in it the database cannot know; verification does.
create function audit.refuse_other_value() returns trigger language plpgsql as $$
declare
  former text := to_jsonb(old) ->> tg_argv[0];
  fresh text := to_jsonb(new) ->> tg_argv[0];
begin
  -- Who owns the tables could take this away, too.
  if pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'member') then
    return new;
  end if;
  if fresh !~ '^v2\.\w+\.[\w-]+$' or split_part(fresh, '.', 2) = split_part(former, '.', 2)
    or (former ~ '^v2\.' and length(split_part(fresh, '.', 3)) <> length(split_part(former, '.', 3))) then
    raise exception '%.%.% is only sealed anew with another data key', tg_table_schema, tg_table_name, tg_argv[0]
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end
$$;
revoke all on function audit.refuse_other_value from public;
create trigger key_is_only_sealed_anew before update of wrapped_key on audit.subject
  for each row execute function audit.refuse_other_value('wrapped_key');
create trigger key_is_only_sealed_anew before update of sealed_private_key on audit.signing_key
  for each row execute function audit.refuse_other_value('sealed_private_key');
