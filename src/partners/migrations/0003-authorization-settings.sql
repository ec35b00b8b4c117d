-- How an application signs in and on whose behalf, as its partner decided; without a row it has the defaults.
create table partners.authorization_settings (
  application_id text primary key references partners.application (id),
  -- of this row: who changes it says which one was read
  revision integer not null check (revision > 0),
  settings jsonb,
  changed_at timestamptz,
  -- while the operator keeps the partner from changing it
  lock_reason text,
  locked_at timestamptz,
  check ((lock_reason is null) = (locked_at is null)),
  check ((settings is null) = (changed_at is null))
);
