import type { OperatorRole, PartnerRole } from './schema-parts.ts'

/** Whom a permission is given to, and what else is asked of whoever uses it. */
export type Grant = {
  /** what one may do with it, after "may" */
  title: string
  /** roles of members; they have it for their own partner only */
  partner: readonly PartnerRole[]
  /** roles of the operator's staff; they have it for every partner */
  operator: readonly OperatorRole[]
  /** a person proves, within ten minutes, to be there (see `require-step-up.ts`) */
  stepUp?: true
  /** a person at a browser only: no API token has it */
  person?: true
  /** also staff who owe a second factor: what is needed to add one */
  withoutFactor?: true
  /** not for members of a partner that the operator has suspended */
  active?: true
}

const members = ['owner', 'developer', 'finance', 'viewer'] as const
const builders = ['owner', 'developer'] as const
/** Whoever looks after bills needs neither keys nor the messages of a sandbox. */
const technical = ['owner', 'developer', 'viewer'] as const
const staff = ['administrator', 'engineer', 'product', 'partner-success', 'auditor'] as const
/** Whoever runs machines needs neither contracts nor people. */
const commercial = ['administrator', 'product', 'partner-success'] as const
const own = { partner: members, operator: staff, withoutFactor: true } as const

/**
 * Who may do what: the only place that says so. Every route of the management API names one of these, pages show and hide
 * by them, API tokens are limited to some of them, and `docs/roles.md` is written from them.
 * A name ends in `.read` exactly when nothing is changed with it; an auditor has those of the staff and no others.
 */
export const permissions = {
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
  'partner.read': { title: 'see an organisation', partner: members, operator: staff },
  'partner-list.read': { title: 'see all organisations', partner: [], operator: staff },
  'partner.suspend': {
    title: 'suspend an organisation and let it go on',
    partner: [],
    operator: commercial,
  },
  'application.read': { title: 'see applications', partner: members, operator: staff },
  'application.change': {
    title: 'create, rename and end applications',
    partner: builders,
    operator: ['administrator', 'engineer', 'partner-success'],
    active: true,
  },
  'production-application.change': {
    title: 'create and end applications of production',
    partner: builders,
    operator: ['administrator', 'engineer', 'partner-success'],
    stepUp: true,
    active: true,
  },
  'credential.read': {
    title: 'see which credentials an application has',
    partner: technical,
    operator: staff,
  },
  'credential.change': {
    title: 'make and end credentials of applications',
    partner: builders,
    operator: ['administrator', 'engineer', 'partner-success'],
    active: true,
  },
  'production-credential.change': {
    title: 'make and end credentials of production',
    partner: builders,
    operator: ['administrator', 'engineer', 'partner-success'],
    stepUp: true,
    active: true,
  },
  'sign-in-settings.read': {
    title: 'see how an application signs in and what it may ask for',
    partner: technical,
    operator: staff,
  },
  'sign-in-settings.change': {
    title: 'change how an application signs in and what it may ask for',
    partner: builders,
    operator: commercial,
    active: true,
  },
  'production-sign-in-settings.change': {
    title: 'change how an application of production signs in and what it may ask for',
    partner: ['owner'],
    operator: commercial,
    stepUp: true,
    active: true,
  },
  'sign-in-settings.lock': {
    title: 'keep a partner from changing how an application signs in',
    partner: [],
    operator: commercial,
  },
  'api-use.read': {
    title: 'see which partners use a version of an API',
    partner: [],
    operator: staff,
  },
  'api.publish': {
    title: 'publish APIs and their prices',
    partner: [],
    operator: ['administrator', 'engineer', 'product'],
    stepUp: true,
  },
  'api.change-lifecycle': {
    title: 'deprecate, retire and bring back versions of APIs',
    partner: [],
    operator: ['administrator', 'engineer', 'product'],
  },
  'agreement.read': { title: 'read agreements', partner: members, operator: staff },
  'agreement.accept': {
    title: 'accept an agreement',
    partner: ['owner'],
    operator: [],
    active: true,
  },
  'contract.read': { title: 'see contracts and their terms', partner: members, operator: staff },
  'contract.open': { title: 'open a contract', partner: ['owner'], operator: [], active: true },
  'contract.end': { title: 'end a contract', partner: ['owner'], operator: commercial },
  'contract.suspend': {
    title: 'suspend a contract and let it go on',
    partner: [],
    operator: commercial,
  },
  'contract.change-terms': {
    title: 'change limits and masked fields of a contract',
    partner: [],
    operator: commercial,
  },
  'contract.change-plan': {
    title: 'put a contract on another plan, and so on other prices',
    partner: [],
    operator: commercial,
    stepUp: true,
  },
  'subscription.read': {
    title: 'see which application may call which API',
    partner: members,
    operator: staff,
  },
  'subscription.change': {
    title: 'let an application call an API',
    partner: builders,
    operator: [],
    active: true,
  },
  'usage.read': { title: 'see usage and what it costs', partner: members, operator: staff },
  'exchange.read': { title: 'see calls', partner: members, operator: staff },
  'exchange-stream.read': { title: 'watch all calls live', partner: [], operator: staff },
  'gateway.read': {
    title: 'see gateways, what they serve and their reports',
    partner: [],
    operator: staff,
  },
  'sandbox-message.read': {
    title: 'read messages of the sandbox',
    partner: technical,
    operator: [],
  },
  'sandbox.use': {
    title: 'use the virtual handset of the sandbox',
    partner: builders,
    operator: [],
    active: true,
  },
  'consent-count.read': {
    title: 'see how many subscribers said what',
    partner: members,
    operator: [],
  },
  'consent.read': {
    title: 'find consents of subscribers and read their record',
    partner: [],
    operator: ['administrator', 'partner-success', 'auditor'],
  },
  'consent.withdraw': {
    title: 'withdraw a consent at the wish of its subscriber',
    partner: [],
    operator: ['administrator', 'partner-success'],
  },
  'consent-text.read': {
    title: 'see the words in which subscribers are asked',
    partner: [],
    operator: staff,
  },
  'consent-text.change': {
    title: 'change the words in which subscribers are asked',
    partner: [],
    operator: ['administrator', 'product'],
  },
  'erasure.read': {
    title: 'see which erasures of subscribers were asked for',
    partner: [],
    operator: ['administrator', 'partner-success', 'auditor'],
  },
  'erasure.manage': {
    title: 'ask to erase a subscriber, and confirm what a colleague asked for',
    partner: [],
    operator: ['administrator', 'partner-success'],
    person: true,
    stepUp: true,
  },
  'audit.read': { title: 'see what was done, by whom', partner: members, operator: staff },
  'evidence.read': {
    title: 'search evidence of single subscribers and export it',
    partner: [],
    operator: ['administrator', 'auditor'],
  },
} as const satisfies Record<string, Grant>

/**
 * Something that a role lets one do.
 * @public
 */
export type Permission = keyof typeof permissions

/** What each role is for, in the order in which they are offered. */
export const roles = {
  partner: {
    owner: 'Everything: members, contracts and single sign-on, too',
    developer: 'Applications, their credentials and subscriptions',
    finance: 'Contracts, usage and what it costs; no credentials',
    viewer: 'Sees what developers see and changes nothing',
  },
  operator: {
    administrator: 'Everything: the staff, and erasing subscribers, too',
    product: 'APIs, prices, contracts and the words of consent',
    engineer: 'APIs, applications and what gateways do',
    'partner-success':
      'Partners, their contracts and applications, and consents of their subscribers',
    auditor: 'Sees everything, evidence too, and changes nothing',
  },
} as const satisfies {
  partner: Record<PartnerRole, string>
  operator: Record<OperatorRole, string>
}

export const grantOf = (permission: Permission): Grant => permissions[permission]

export const permissionNames = Object.keys(permissions) as Permission[]
