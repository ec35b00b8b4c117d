-- An index serves a join only where both sides order text alike. Ids of evidence and of segments are ordered by their bytes
-- already: with these, what leads to a leaf is found without reading the whole log.
alter table audit.leaf alter column kind type text collate "C", alter column id type text collate "C";
alter table audit.entry alter column event_id type text collate "C";
