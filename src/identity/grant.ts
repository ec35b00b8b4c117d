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

export const members = ['owner', 'developer', 'finance', 'viewer'] as const
export const builders = ['owner', 'developer'] as const
/** Whoever looks after bills needs neither keys nor the messages of a sandbox. */
export const technical = ['owner', 'developer', 'viewer'] as const
export const staff = ['administrator', 'engineer', 'product', 'partner-success', 'auditor'] as const
/** Whoever runs machines needs neither contracts nor people. */
export const commercial = ['administrator', 'product', 'partner-success'] as const
