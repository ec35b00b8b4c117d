import { type Static, Type } from 'typebox'

export const strict = { additionalProperties: false }
export const Timestamp = Type.String({ format: 'date-time' })

export const LinkToken = Type.String({ minLength: 1, maxLength: 200 })
export const Email = Type.String({ format: 'email', minLength: 3, maxLength: 254 })
export const PartnerRole = Type.Union([
  Type.Literal('owner'),
  Type.Literal('developer'),
  Type.Literal('finance'),
  Type.Literal('viewer'),
])
export type PartnerRole = Static<typeof PartnerRole>

export const OperatorRole = Type.Union([
  Type.Literal('administrator'),
  Type.Literal('engineer'),
  Type.Literal('product'),
  Type.Literal('partner-success'),
  Type.Literal('auditor'),
])
export type OperatorRole = Static<typeof OperatorRole>
