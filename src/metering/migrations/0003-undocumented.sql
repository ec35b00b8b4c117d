-- Responses that passed although the document of their API does not allow them (`responses: report`): an owner looks for
-- such calls, and they are few.
alter table metering.exchange add column undocumented boolean;

create index exchange_undocumented on metering.exchange (at) where undocumented;
