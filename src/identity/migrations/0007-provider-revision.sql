-- What was found out about a provider is kept by what it was found out with, so nothing counts its changes.
alter table identity.provider drop column revision;
