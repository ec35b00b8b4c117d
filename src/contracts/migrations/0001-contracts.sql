create schema contracts;

-- A plan: what a contract allows and promises. Limits differ by environment, because a partner that tests with a
-- script must not meet the wall that a free production contract has.
create table contracts.plan (
  id text primary key,
  name text not null unique,
  tier text not null check (tier in ('free', 'paid', 'enterprise')),
  position integer not null,
  -- whether a partner may choose it without the operator
  self_service boolean not null,
  -- by environment: {"production": {"rate": [...], "quota": {...}}, "sandbox": ...}
  limits jsonb not null,
  sla jsonb not null
);

insert into contracts.plan (id, name, tier, position, self_service, limits, sla) values
  ('pln_free', 'free', 'free', 1, true,
   '{"production": {"rate": [{"limit": 5, "windowSeconds": 1}], "quota": {"limit": 1000, "period": "day"}},
     "sandbox": {"rate": [{"limit": 20, "windowSeconds": 1}], "quota": {"limit": 10000, "period": "day"}}}',
   '{"availability": "99.0", "latencyMs": 100, "support": "community", "credits": [],
     "maintenance": {"noticeHours": 24}}'),
  ('pln_paid', 'paid', 'paid', 2, true,
   '{"production": {"rate": [{"limit": 50, "windowSeconds": 1}]},
     "sandbox": {"rate": [{"limit": 50, "windowSeconds": 1}], "quota": {"limit": 50000, "period": "day"}}}',
   '{"availability": "99.9", "latencyMs": 50, "support": "8x5",
     "credits": [{"below": "99.9", "percent": 10}, {"below": "99.0", "percent": 25}, {"below": "95.0", "percent": 100}],
     "maintenance": {"hoursPerMonth": 4, "noticeHours": 120}}'),
  ('pln_enterprise', 'enterprise', 'enterprise', 3, false,
   '{"production": {"rate": [{"limit": 200, "windowSeconds": 1}]},
     "sandbox": {"rate": [{"limit": 200, "windowSeconds": 1}], "quota": {"limit": 200000, "period": "day"}}}',
   '{"availability": "99.95", "latencyMs": 30, "support": "24x7",
     "credits": [{"below": "99.95", "percent": 10}, {"below": "99.0", "percent": 25}, {"below": "95.0", "percent": 100}],
     "maintenance": {"hoursPerMonth": 2, "noticeHours": 240}}');

-- Refuses to alter what evidence or a bill rests on.
create function contracts.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_schema || '.' || tg_table_name;
end $$;

-- A price version. `list` is what the paid plan asks for the same call.
create table contracts.price (
  id text primary key,
  plan_id text not null references contracts.plan (id),
  -- an API version, or * for every API without a price of its own
  api_id text not null,
  -- no fixed scale: 0.0200 is kept as it was written
  unit numeric not null check (unit >= 0 and unit < 1e18 and scale(unit) <= 12),
  list numeric not null check (list >= 0 and list < 1e18 and scale(list) <= 12),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  effective_from timestamptz not null
);
create index price_of on contracts.price (plan_id, api_id, effective_from);
create trigger price_append_only before update or delete or truncate on contracts.price
  for each statement execute function contracts.refuse_change();

-- Which price version a call gets now. An API that no longer has a price of its own has no row: `*` holds.
create table contracts.price_in_force (
  plan_id text not null references contracts.plan (id),
  api_id text not null,
  price_id text not null references contracts.price (id),
  primary key (plan_id, api_id)
);

-- What the catalog publishes, as far as tokens need it: kept by the reaction to api.changed, so that issuing a token
-- asks one schema only.
create table contracts.published_api (
  api_id text primary key,
  scopes text[] not null,
  plans text[] not null
);

create table contracts.agreement (
  id text primary key,
  name text not null,
  version integer not null check (version > 0),
  text text not null,
  sha256 text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  effective_from timestamptz not null,
  unique (name, version)
);
create trigger agreement_append_only before update or delete or truncate on contracts.agreement
  for each statement execute function contracts.refuse_change();

-- Who bound a partner to which exact text.
create table contracts.acceptance (
  agreement_id text not null references contracts.agreement (id),
  partner_id text not null,
  member_id text not null,
  member_name text not null,
  sha256 text not null,
  ip text not null,
  user_agent text not null,
  accepted_at timestamptz not null,
  primary key (partner_id, agreement_id, member_id)
);
create trigger acceptance_append_only before update or delete or truncate on contracts.acceptance
  for each statement execute function contracts.refuse_change();

create table contracts.contract (
  id text primary key,
  partner_id text not null,
  environment text not null check (environment in ('sandbox', 'production')),
  plan_id text not null references contracts.plan (id),
  -- the sandbox needs no agreement
  agreement_id text references contracts.agreement (id),
  state text not null check (state in ('active', 'suspended', 'ended')),
  suspended_reason text,
  suspended_at timestamptz,
  time_zone text not null,
  starts_at timestamptz not null,
  ended_at timestamptz,
  check (environment = 'sandbox' or agreement_id is not null),
  check ((state = 'suspended') = (suspended_reason is not null and suspended_at is not null)),
  check ((state = 'ended') = (ended_at is not null))
);
-- However often a registration is told, and however many requests come at once: one living contract an environment.
create unique index contract_living on contracts.contract (partner_id, environment) where state <> 'ended';
create index contract_partner on contracts.contract (partner_id, starts_at);
create index contract_environment on contracts.contract (environment, id) where state <> 'ended';
create index contract_recent on contracts.contract (starts_at desc, id desc);

-- Which plan a contract had from when on.
create table contracts.contract_plan (
  contract_id text not null references contracts.contract (id),
  from_at timestamptz not null,
  plan_id text not null references contracts.plan (id),
  primary key (contract_id, from_at)
);

create table contracts.subscription (
  id text primary key,
  contract_id text not null references contracts.contract (id),
  partner_id text not null,
  application_id text not null,
  environment text not null check (environment in ('sandbox', 'production')),
  -- an API version, or * for every published API (sandbox)
  api_id text not null check (environment = 'sandbox' or api_id <> '*'),
  state text not null check (state in ('active', 'suspended', 'ended')),
  created_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'ended') = (ended_at is not null))
);
create unique index subscription_living on contracts.subscription (application_id, api_id) where state <> 'ended';
create index subscription_contract on contracts.subscription (contract_id) where state <> 'ended';
create index subscription_partner on contracts.subscription (partner_id, created_at) where state <> 'ended';
create index subscription_environment on contracts.subscription (environment, id) where state <> 'ended';
create index subscription_recent on contracts.subscription (created_at desc, id desc) where state <> 'ended';
