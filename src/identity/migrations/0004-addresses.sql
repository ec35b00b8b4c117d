-- An address belongs to whoever has confirmed it. Until then any number of accounts may claim it, apart from each other,
-- so that signing up tells nobody whether an address has an account.
--
-- Who names the first operator holds the machine, and its staff are invited by mail: their addresses are confirmed.
update identity.person set email_verified_at = created_at
  where email_verified_at is null and id in (select person_id from identity.staff);
create unique index person_confirmed_email on identity.person (email) where email_verified_at is not null;
alter table identity.person drop constraint person_email;
create index person_claimed_email on identity.person (email, created_at);
