-- Evidence is searched by time, newest first, over everything, of one partner, or of one thing that something was done to.
create index entry_at on audit.entry (occurred_at);
create index entry_partner_at on audit.entry (partner_id, occurred_at);
create index entry_target_at on audit.entry (target, occurred_at);
create index evidence_when on audit.evidence (at);
create index party_application on audit.party (application_id);
