import { type ModuleGrants, write } from '#platform/declared-grants'

/**
 * People and their factors are known to control alone.
 * @public
 */
export const databaseGrants: ModuleGrants = {
  tables: {
    challenge: { control: write },
    email_domain: { control: write },
    first_operator: { control: write },
    invitation: { control: write },
    link: { control: write },
    member: { control: write },
    passkey: { control: write },
    person: { control: write },
    provider: { control: write },
    provider_subject: { control: write },
    provider_visit: { control: write },
    recovery_code: { control: write },
    session: { control: write },
    sign_in_ticket: { control: write },
    staff: { control: write },
    staff_invitation: { control: write },
    token: { control: write },
    totp: { control: write },
    totp_enrolment: { control: write },
  },
}
