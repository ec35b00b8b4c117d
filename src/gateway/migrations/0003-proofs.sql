-- DPoP proofs that were used (RFC 9449 section 11.1), by a hash of the key and the proof's own id: a proof works once,
-- whichever gateway it is sent to. A row is kept longer than a proof can be used, clocks that differ included.
create table gateway.proof_use (
  environment text not null check (environment in ('sandbox', 'production')),
  proof text not null check (length(proof) = 43),
  expires_at timestamptz not null,
  primary key (environment, proof)
);
create index proof_use_expiry on gateway.proof_use (expires_at);

-- Claims proofs, and tells which of them nobody had claimed. They are inserted in order, so that two calls with the same
-- ones wait for each other and do not lock each other up. Each call removes more expired rows than it can add.
create function gateway.claim_proofs(p_environment text, p_proofs text[]) returns setof text
language plpgsql as $$
begin
  delete from gateway.proof_use where (environment, proof) in (
    select u.environment, u.proof from gateway.proof_use u
      where u.expires_at < now() order by u.expires_at
      limit 2 * cardinality(p_proofs) + 1000
      for update skip locked);
  return query
    insert into gateway.proof_use (environment, proof, expires_at)
      select p_environment, p.proof, now() + interval '180 seconds'
        from (select distinct unnest(p_proofs) as proof order by 1) p
      on conflict do nothing
      returning proof_use.proof;
end $$;

create function gateway.claim_sandbox_proofs(p_proofs text[]) returns setof text
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.claim_proofs('sandbox', p_proofs)
$$;
create function gateway.claim_production_proofs(p_proofs text[]) returns setof text
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select gateway.claim_proofs('production', p_proofs)
$$;
revoke all on function gateway.claim_proofs from public;
revoke all on function gateway.claim_sandbox_proofs from public;
revoke all on function gateway.claim_production_proofs from public;
