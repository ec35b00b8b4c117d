-- Attempts of a kind by a key, in a window that begins with the first of them: sign-in, sign-up, recovery, guest calls.
-- Windows of the clock let twice as many through at their edge. The table before stays until no former version runs.
create table platform.attempt_count (
  key text primary key,
  count integer not null,
  ends_at timestamptz not null
);
create index attempt_count_end on platform.attempt_count (ends_at);
