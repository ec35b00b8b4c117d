-- The legal basis of each scope and purpose, beside what is compiled: whoever issues a token asks for one scope at a time.
-- `bases` is filled when the version is compiled again, which the next start does; until then `consent` holds for all.
alter table catalog.api_version
  add column scopes text[] not null default '{}',
  add column bases jsonb;
update catalog.api_version set scopes = array(select json_array_elements_text(compiled -> 'scopes'));
create index api_version_scopes on catalog.api_version using gin (scopes);
