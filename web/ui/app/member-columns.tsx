import type { Member } from '#identity/schema'
import { agoText, dateText } from '../format.ts'
import { roleText } from '../roles.ts'
import type { Column } from './data-table.tsx'
import { PersonName } from './people.tsx'

/** The members of an organisation, with what the reader may see of how they sign in. */
export const memberColumns = (maySeeSignIns: boolean): Column<Member>[] => [
  { title: 'Name', cell: (member) => <PersonName person={member} /> },
  { title: 'Role', cell: (member) => roleText(member.role) },
  { title: 'State', cell: stateOf },
  ...(maySeeSignIns
    ? [
        { title: 'Last sign-in', cell: lastSignInOf, nowrap: true },
        { title: 'Second factor', cell: secondFactorOf },
      ]
    : []),
  { title: 'Since', cell: (member) => dateText(member.createdAt), nowrap: true },
]

function stateOf(member: Member): string {
  if (member.state === 'invited') return 'invited, not here yet'
  return member.emailVerified ? 'e-mail confirmed' : 'e-mail not confirmed'
}

function lastSignInOf({ state, lastSignInAt }: Member): string {
  if (state === 'invited') return ''
  return lastSignInAt === undefined ? 'at sign-up' : agoText(lastSignInAt, new Date())
}

const secondFactorOf = ({ secondFactor }: Member): string =>
  secondFactor === undefined ? '' : secondFactor ? 'yes' : 'no'
