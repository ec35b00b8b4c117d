-- An address that was asked to join the staff. One open invitation for each; a second one renews it.
create table identity.staff_invitation (
  id text primary key,
  email text not null constraint staff_invitation_email unique check (email = lower(email)),
  role text not null check (role in ('administrator', 'engineer', 'product', 'partner-success', 'auditor')),
  invited_by text not null,
  created_at timestamptz not null
);

alter table identity.link drop constraint link_purpose_check;
alter table identity.link add constraint link_purpose_check
  check (purpose in ('recovery', 'email-verification', 'invitation', 'staff-invitation', 'first-operator'));
