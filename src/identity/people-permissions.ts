import { type Grant, members, staff } from './grant.ts'

const own = { partner: members, operator: staff, withoutFactor: true } as const

/** Of people and how they sign in; `permissions.ts` has them with all others. */
export const peoplePermissions = {
  'session.read': { title: 'see who they are and what they may do', ...own },
  'own-account.read': { title: 'see their sessions and how they sign in', ...own, person: true },
  'own-account.change': {
    title: 'sign out, end their sessions and name their passkeys',
    ...own,
    person: true,
  },
  'own-factors.change': {
    title: 'add and remove their passkeys, authenticator app and recovery codes',
    ...own,
    person: true,
    stepUp: true,
  },
  'own-token.read': {
    title: 'see their API tokens',
    partner: members,
    operator: staff,
    person: true,
  },
  'own-token.change': {
    title: 'make and end their API tokens',
    partner: members,
    operator: staff,
    person: true,
    stepUp: true,
  },
  'token.manage': {
    title: 'see and end the API tokens of others',
    partner: ['owner'],
    operator: ['administrator'],
    person: true,
    stepUp: true,
  },
  'member.read': {
    title: 'see the members of an organisation',
    partner: members,
    operator: ['administrator', 'product', 'partner-success', 'auditor'],
  },
  'member-email.read': {
    title: 'see the e-mail addresses of members',
    partner: members,
    operator: ['administrator', 'partner-success', 'auditor'],
  },
  'member-sign-in.read': {
    title: 'see when members signed in last, and whether they have a second factor',
    partner: ['owner'],
    operator: ['administrator', 'product', 'partner-success', 'auditor'],
  },
  'member.manage': {
    title: 'invite and remove members and give them roles',
    partner: ['owner'],
    operator: ['administrator'],
    stepUp: true,
  },
  'member.end': {
    title: 'leave; and, if they manage members, send others away',
    partner: members,
    operator: ['administrator'],
    stepUp: true,
  },
  'member.reset-factors': {
    title: 'remove the second factors that a member has lost',
    partner: ['owner'],
    operator: ['administrator'],
    person: true,
    stepUp: true,
  },
  'staff.read': { title: 'see the staff of the operator', partner: [], operator: staff },
  'staff.manage': {
    title: 'invite and remove staff and give them roles',
    partner: [],
    operator: ['administrator'],
    stepUp: true,
  },
  'staff.reset-factors': {
    title: 'remove the second factors that a colleague has lost',
    partner: [],
    operator: ['administrator'],
    person: true,
    stepUp: true,
  },
  'sso.read': {
    title: 'see the single sign-on of an organisation',
    partner: ['owner'],
    operator: ['administrator', 'auditor'],
  },
  'operator-sso.read': {
    title: 'see the single sign-on of the staff',
    partner: [],
    operator: ['administrator', 'auditor'],
  },
  'sso.change': {
    title: 'set up single sign-on',
    partner: ['owner'],
    operator: ['administrator'],
    stepUp: true,
  },
} as const satisfies Record<string, Grant>
