-- On what a call about a person rested: basis, purpose, consents and grant.
alter table metering.exchange add column legal jsonb;
