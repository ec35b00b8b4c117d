alter table identity.token
  -- names of permissions; null: whatever its maker may do
  add column scopes text[],
  -- null: those of before, and those of the command line that were made without an end
  add column expires_at timestamptz;
