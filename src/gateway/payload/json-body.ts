import { isUtf8 } from 'node:buffer'

/**
 * A parsed body. `text` is it as it came; `exact` says whether every number means in JavaScript what was written, so
 * that writing the value again changes nothing.
 */
export type ParsedJson =
  | { ok: true; value: unknown; text: string; exact: boolean; inherited: boolean }
  | { ok: false; fault: string }

/** What one body may hold: each part is work for every reader behind this one. */
type JsonBounds = { depth: number; members: number; items: number; wholePairs: boolean }

/** @public */
export const requestBounds: JsonBounds = {
  depth: 32,
  members: 10_000,
  items: 50_000,
  wholePairs: true,
}
/** An upstream is ours: its answers may be longer, and text of the network that is cut within a character still leaves. */
const responseBounds: JsonBounds = {
  depth: 32,
  members: 400_000,
  items: 1_000_000,
  wholePairs: false,
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const comma = 0x2c
const smallU = 0x75

/**
 * Parses JSON that has one reading only (RFC 8259 sections 4, 7 and 8.1): UTF-8 without a mark at its start, no name
 * twice in an object, no half of a surrogate pair, and bounded. The bytes are forwarded as they came, so what another
 * parser could read differently must not pass.
 * @public
 */
export function parseJson(bytes: Buffer, bounds: JsonBounds = responseBounds): ParsedJson {
  if (!isUtf8(bytes)) return no('must be UTF-8')
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return no('must not begin with a byte order mark')
  const shape = scan(bytes)
  if (shape.depth > bounds.depth) return no(`must have at most ${bounds.depth} levels`)
  if (shape.colons > bounds.members) return no(`must have at most ${bounds.members} members`)
  if (shape.commas > bounds.items) return no(`must have at most ${bounds.items} items`)
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return no('is not valid JSON')
  }
  const found: Found = {
    members: 0,
    inherited: false,
    broken: false,
    escapes: shape.escapes && bounds.wholePairs,
  }
  look(value, found)
  // Of equal names JSON.parse keeps one: fewer members than colons means that one was there twice.
  if (found.members !== shape.colons) return no('must not have the same name twice in an object')
  if (found.broken) return no('must not have half of a surrogate pair')
  return { ok: true, value, text, exact: !shape.numbers, inherited: found.inherited }
}

const no = (fault: string): ParsedJson => ({ ok: false, fault })

/** `numbers`: whether there is one that JavaScript may write otherwise than it was written */
type Shape = { depth: number; colons: number; commas: number; escapes: boolean; numbers: boolean }

/** The nesting, and what is outside of strings. */
function scan(bytes: Buffer): Shape {
  const shape: Shape = { depth: 0, colons: 0, commas: 0, escapes: false, numbers: false }
  let depth = 0
  let digits = 0
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0
    if (byte >= 0x30 && byte <= 0x39) {
      digits += 1
      if (digits > 15) shape.numbers = true
      continue
    }
    // `1.10` and `1e3` are written otherwise by JavaScript, and `-0` loses its sign.
    if (digits > 0 && (byte === 0x2e || byte === 0x65 || byte === 0x45)) shape.numbers = true
    digits = 0
    switch (byte) {
      case quote:
        i = endOfString(bytes, i, shape)
        break
      case colon:
        shape.colons += 1
        break
      case comma:
        shape.commas += 1
        break
      case 0x2d:
        if (bytes[i + 1] === 0x30) shape.numbers = true
        break
      case 0x7b:
      case 0x5b:
        depth += 1
        if (depth > shape.depth) shape.depth = depth
        break
      case 0x7d:
      case 0x5d:
        depth -= 1
        break
    }
  }
  return shape
}

function endOfString(bytes: Buffer, start: number, shape: Shape): number {
  let i = start + 1
  while (i < bytes.length && bytes[i] !== quote) {
    if (bytes[i] !== backslash) i += 1
    else {
      if (bytes[i + 1] === smallU) shape.escapes = true
      i += 2
    }
  }
  return i
}

type Found = { members: number; inherited: boolean; broken: boolean; readonly escapes: boolean }

/** Counts members, and sees names that every object inherits and texts that no UTF-8 can write. */
function look(value: unknown, found: Found): void {
  if (typeof value === 'string') {
    // In UTF-8 half of a pair can only come by an escape.
    if (found.escapes && !value.isWellFormed()) found.broken = true
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) look(item, found)
    return
  }
  for (const name of Object.keys(value)) {
    found.members += 1
    if (name in Object.prototype) found.inherited = true
    if (found.escapes && !name.isWellFormed()) found.broken = true
    look((value as Record<string, unknown>)[name], found)
  }
}

/**
 * Names that every object inherits, such as `constructor`, are taken for declared by compiled validators: what the
 * document does not declare of them is found here.
 * @param found is called with the object and the name
 * @public
 */
export function eachInherited(
  value: unknown,
  found: (owner: Record<string, unknown>, name: string) => void,
): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) eachInherited(item, found)
    return
  }
  const owner = value as Record<string, unknown>
  for (const name of Object.keys(owner)) {
    const member = Object.getOwnPropertyDescriptor(owner, name)?.value as unknown
    if (name in Object.prototype) found(owner, name)
    eachInherited(member, found)
  }
}
