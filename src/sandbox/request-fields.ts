import { type Answer, invalid } from './outcome.ts'

export type Fields = Readonly<Record<string, unknown>>

/** A JSON object, or undefined for anything else. */
export const asObject = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined

const phoneNumberPattern = /^\+[1-9][0-9]{4,14}$/

export const isPhoneNumber = (value: unknown): value is string =>
  typeof value === 'string' && phoneNumberPattern.test(value)

export const notAnObject: Answer = invalid('', 'The body must be a JSON object.')
export const badPhoneNumber = (path: string): Answer =>
  invalid(path, 'must be a number in E.164 form, such as +99010000001')
export const required = (path: string): Answer => invalid(path, 'is required')

/** Own properties only: a body may bring names such as `constructor`. */
export const fieldOf = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined
