/**
 * What a caller says of the trace that its request belongs to (W3C Trace Context, section 3.2).
 * @public
 */
export type TraceParent = { traceId: string; parentId: string; sampled: boolean }

const hex = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/
const length = 55
const noTrace = '0'.repeat(32)
const noParent = '0'.repeat(16)

/**
 * Reads a `traceparent` field. Version 00 is exactly 55 characters; a later version may go on after a hyphen and is read
 * as far as version 00 goes (section 4.3). Anything else says nothing, and the trace begins anew.
 * @public
 */
export function parseTraceparent(field: string | string[] | undefined): TraceParent | undefined {
  // Node joins two fields of one name with a comma, and no comma can be in a valid one.
  if (typeof field !== 'string' || field.length < length || !hex.test(field)) return undefined
  const version = field.slice(0, 2)
  if (version === 'ff') return undefined
  if (field.length > length && (version === '00' || field[length] !== '-')) return undefined
  const traceId = field.slice(3, 35)
  const parentId = field.slice(36, 52)
  if (traceId === noTrace || parentId === noParent) return undefined
  return { traceId, parentId, sampled: (Number.parseInt(field.slice(53, 55), 16) & 1) === 1 }
}

/**
 * Writes version 00. Flags other than `sampled` are not defined there and must be zero (section 3.2.2.5).
 * @public
 */
export const traceparentOf = (traceId: string, spanId: string, sampled: boolean): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`

const key = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
const value = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const mostMembers = 32
const mostCharacters = 512
const longMember = 128

/**
 * Reads a `tracestate` field that came with a valid `traceparent` (section 3.3). One that breaks the grammar is dropped
 * whole; a very long one loses its long members first, and then those that are oldest.
 * @returns the field to send on
 * @public
 */
export function parseTracestate(field: string | string[] | undefined): string | undefined {
  if (typeof field !== 'string' || field.length > mostMembers * mostCharacters) return undefined
  const members: string[] = []
  const keys = new Set<string>()
  for (const part of field.split(',')) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '')
    if (member === '') continue
    const equals = member.indexOf('=')
    const name = member.slice(0, Math.max(0, equals))
    if (!key.test(name) || !value.test(member.slice(equals + 1)) || keys.has(name)) return undefined
    keys.add(name)
    members.push(member)
  }
  if (members.length === 0 || members.length > mostMembers) return undefined
  return shortened(members)
}

function shortened(members: readonly string[]): string | undefined {
  let kept = members
  if (kept.join(',').length > mostCharacters)
    kept = kept.filter((member) => member.length <= longMember)
  while (kept.join(',').length > mostCharacters) kept = kept.slice(0, -1)
  return kept.length === 0 ? undefined : kept.join(',')
}
