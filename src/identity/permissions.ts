import { builders, commercial, type Grant, members, staff, technical } from './grant.ts'
import { peoplePermissions } from './people-permissions.ts'
import type { OperatorRole, PartnerRole } from './schema-parts.ts'

/**
 * Who may do what: the only place that says so. Every route of the management API names one of these, pages show and hide
 * by them, API tokens are limited to some of them, and `docs/roles.md` is written from them.
 * A name ends in `.read` exactly when nothing is changed with it; an auditor has those of the staff and no others.
 */
export const permissions = {
  ...peoplePermissions,
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
