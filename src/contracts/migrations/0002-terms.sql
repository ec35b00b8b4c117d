-- What an operator agrees with one partner beyond its plan. Null limits are the plan's.
alter table contracts.contract
  add column limits jsonb,
  add column masks jsonb not null default '[]';

-- Spike arrest and calls at the same moment. A sandbox allows a script to send a second's calls at once.
update contracts.plan as p set limits = jsonb_build_object(
  'production', p.limits -> 'production' || v.production,
  'sandbox', p.limits -> 'sandbox' || v.sandbox)
from (values
  ('free', '{"spike": {"limit": 5, "windowMs": 500}, "concurrency": 10}'::jsonb,
    '{"spike": {"limit": 20, "windowMs": 500}, "concurrency": 20}'::jsonb),
  ('paid', '{"spike": {"limit": 25, "windowMs": 200}, "concurrency": 100}',
    '{"spike": {"limit": 50, "windowMs": 500}, "concurrency": 100}'),
  ('enterprise', '{"spike": {"limit": 100, "windowMs": 200}, "concurrency": 400}',
    '{"spike": {"limit": 200, "windowMs": 500}, "concurrency": 400}')
) as v (tier, production, sandbox)
where p.tier = v.tier;
