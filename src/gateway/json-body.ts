import { isUtf8 } from 'node:buffer'

export type ParsedJson = { ok: true; value: unknown; text: string } | { ok: false; fault: string }

const deepest = 32

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/**
 * Parses JSON that has one reading only (RFC 8259 sections 4 and 8.1): UTF-8, no name twice in an object, and at most
 * 32 levels. The bytes are forwarded as they came, so what another parser could read differently must not pass.
 */
export function parseJson(bytes: Buffer): ParsedJson {
  if (!isUtf8(bytes)) return { ok: false, fault: 'must be UTF-8' }
  const shape = scan(bytes)
  if (shape.depth > deepest) return { ok: false, fault: `must have at most ${deepest} levels` }
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, fault: 'is not valid JSON' }
  }
  // Of equal names JSON.parse keeps one: fewer members than colons means that one was there twice.
  if (shape.colons > 0 && membersOf(value) !== shape.colons)
    return { ok: false, fault: 'must not have the same name twice in an object' }
  return { ok: true, value, text }
}

/** The nesting and the number of colons outside strings. */
function scan(bytes: Buffer): { depth: number; colons: number } {
  let depth = 0
  let deepestSeen = 0
  let colons = 0
  for (let i = 0; i < bytes.length; i += 1) {
    switch (bytes[i]) {
      case quote:
        i = endOfString(bytes, i)
        break
      case colon:
        colons += 1
        break
      case 0x7b:
      case 0x5b:
        depth += 1
        if (depth > deepestSeen) deepestSeen = depth
        break
      case 0x7d:
      case 0x5d:
        depth -= 1
        break
    }
  }
  return { depth: deepestSeen, colons }
}

function endOfString(bytes: Buffer, start: number): number {
  let i = start + 1
  while (i < bytes.length && bytes[i] !== quote) i += bytes[i] === backslash ? 2 : 1
  return i
}

function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += membersOf(item)
    return count
  }
  for (const member of Object.values(value)) count += 1 + membersOf(member)
  return count
}
