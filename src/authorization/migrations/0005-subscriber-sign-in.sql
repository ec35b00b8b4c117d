-- Codes that were sent to show that a number is somebody's own. No number and no readable code is here: the row holds a
-- pseudonym and hashes, and the number stays, sealed, in the browser that asked.
create table "authorization".subscriber_code (
  id_hash text primary key,
  environment text not null check (environment in ('sandbox', 'production')),
  subject text not null,
  code_hash text not null,
  tries integer not null default 0,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index subscriber_code_expiry on "authorization".subscriber_code (expires_at);

-- Who is signed in on the privacy page; the hash is over the secret of the session and that of its browser.
create table "authorization".subscriber_session (
  id_hash text primary key,
  environment text not null check (environment in ('sandbox', 'production')),
  subject text not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null
);
create index subscriber_session_expiry on "authorization".subscriber_session (expires_at);
