-- API keys and client certificates beside secrets and public keys. Nothing here can be used by who reads it: of a key the
-- keyed hash is kept, of a certificate what it is recognised by.
alter table partners.credential
  add column thumbprint text check (length(thumbprint) = 43),
  add column subject_alternative_name text,
  add column not_after timestamptz;

alter table partners.credential drop constraint credential_type_check;
alter table partners.credential drop constraint credential_check;
alter table partners.credential drop constraint credential_check1;
alter table partners.credential
  add constraint credential_type_check
    check (type in ('client_secret', 'public_key', 'api_key', 'client_certificate')),
  add constraint credential_has_its_parts check (
    (type in ('client_secret', 'api_key')) = (secret_hash is not null)
    and (type = 'public_key') = (jwk is not null)
    and (type = 'client_certificate') = (num_nonnulls(thumbprint, subject_alternative_name) = 1)
    and (thumbprint is null) = (not_after is null)
  );
create index credential_thumbprint on partners.credential (thumbprint) where thumbprint is not null;
