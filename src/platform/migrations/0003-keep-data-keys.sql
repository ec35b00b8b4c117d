-- A key that is removed takes everything that it sealed with it, and nothing of the product ever removes one: a mistake at
-- a prompt must not either.
create function platform.refuse_key_removal() returns trigger language plpgsql as $$
begin
  raise exception 'keys are never removed: what they sealed would be lost (docs/guides/keys-at-rest.md)';
end $$;
create trigger data_key_stays before delete or truncate on platform.data_key
  for each statement execute function platform.refuse_key_removal();
