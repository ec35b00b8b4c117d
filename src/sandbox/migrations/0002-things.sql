-- What partners made in the sandbox by a call that makes something: a payment, a session, a subscription. `body` is the
-- answer that made it, as text: JSON may hold characters that jsonb cannot.
create table sandbox.thing (
  application_id text not null,
  resource text not null,
  id text not null,
  body text not null,
  made_at timestamptz not null,
  primary key (application_id, resource, id)
);
create index thing_age on sandbox.thing (made_at);
