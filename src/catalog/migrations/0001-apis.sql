create schema catalog;

-- One row for each API version, as it is now.
create table catalog.api_version (
  id text primary key,
  name text not null,
  version text not null,
  full_version text not null,
  title text not null,
  summary text not null,
  domain text not null,
  lifecycle text not null check (lifecycle in ('draft', 'published', 'deprecated', 'retired')),
  owner_team text not null,
  owner_contact text not null,
  plans text[] not null,
  consent text not null,
  revision integer not null,
  document text not null,
  product text not null,
  document_sha256 text not null,
  product_sha256 text not null,
  -- The document as JSON. Both are json and not jsonb: people read them, in the order in which they were written.
  document_json json not null,
  compiled json not null,
  compiler_version integer not null,
  published_at timestamptz not null,
  published_by text not null,
  unique (name, version)
);

-- Every text that was ever published: what a partner was promised at a time.
create table catalog.api_revision (
  api_id text not null references catalog.api_version (id),
  revision integer not null,
  full_version text not null,
  document text not null,
  product text not null,
  document_sha256 text not null,
  product_sha256 text not null,
  published_at timestamptz not null,
  published_by text not null,
  primary key (api_id, revision)
);
create index api_revision_texts on catalog.api_revision (document_sha256, product_sha256);
