-- When partners should leave a version and where they go. An operator may say it without a new text, so it is beside
-- the texts and not in what is compiled of them.
alter table catalog.api_version
  add column deprecated_at timestamptz,
  add column sunset_at timestamptz,
  add column successor text;
alter table catalog.api_version
  add constraint api_version_sunset check (sunset_at is null or deprecated_at is null or sunset_at >= deprecated_at);
create index api_version_due on catalog.api_version (sunset_at) where lifecycle in ('published', 'deprecated');

-- Versions that were deprecated before there were dates: since when is not known better than this.
update catalog.api_version set deprecated_at = published_at where lifecycle = 'deprecated';
