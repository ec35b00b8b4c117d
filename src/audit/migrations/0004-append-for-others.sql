-- Whoever writes evidence owns none of it: a process of the product may insert an entry, and what appends its leaf to the
-- log runs as the owner of the tables. Nobody else may touch the tables of the log.
alter function audit.append_leaf(text, text, bytea) security definer set search_path = pg_catalog, pg_temp;
alter function audit.append_entry_leaf() security definer set search_path = pg_catalog, pg_temp;
revoke all on function audit.append_leaf, audit.append_entry_leaf from public;
