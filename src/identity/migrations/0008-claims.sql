-- Anybody may open any number of accounts with an address that is not confirmed: one that is meant is found, not searched.
create index person_claimed_password on identity.person (email, password_hash) where email_verified_at is null;
