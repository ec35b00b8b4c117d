create schema sandbox;

-- The inbox of the simulated handsets. Numbers are of the unassigned +990 range and belong to nobody.
create table sandbox.message (
  id text primary key,
  application_id text not null,
  phone_number text not null check (phone_number like '+990%'),
  text text not null,
  received_at timestamptz not null
);
create index message_inbox on sandbox.message (application_id, received_at desc, id desc);
create index message_age on sandbox.message (received_at);

-- One row per code that was sent. The code is as readable as the message that carries it, two rows further up.
create table sandbox.one_time_password (
  authentication_id text primary key,
  application_id text not null,
  phone_number text not null check (phone_number like '+990%'),
  code text not null,
  sent_at timestamptz not null,
  expires_at timestamptz not null,
  wrong_attempts integer not null default 0,
  used_at timestamptz
);
create index one_time_password_recent on sandbox.one_time_password (application_id, phone_number, sent_at);
create index one_time_password_age on sandbox.one_time_password (sent_at);
