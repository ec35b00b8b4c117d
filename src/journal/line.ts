import { crc32 } from 'node:zlib'

/**
 * One line of a segment: the kind (`H` header, `R` record, `F` footer), the crc32 of kind and JSON in eight hex digits,
 * and the JSON. Text, so that `grep` and `jq` read a journal that nothing else can read any more.
 */
export type LineKind = 'H' | 'R' | 'F'

const seeds: Record<LineKind, number> = { H: crc32('H'), R: crc32('R'), F: crc32('F') }
const lineFeed = 0x0a
const space = 0x20
/** kind, space, eight digits, space */
const prefixLength = 11

const hex = (value: number): string => value.toString(16).padStart(8, '0')

export const encodeLine = (kind: LineKind, json: string): string =>
  `${kind} ${hex(crc32(json, seeds[kind]))} ${json}\n`

export type Line = { kind: LineKind; value: unknown; end: number }

/**
 * The line that starts at `start`.
 * @returns undefined when no sound line is there: torn, altered, or the end of the bytes
 */
export function decodeLine(bytes: Buffer, start: number): Line | undefined {
  const end = bytes.indexOf(lineFeed, start)
  if (end <= start + prefixLength) return undefined
  const kind = kindOf(bytes[start])
  if (kind === undefined || bytes[start + 1] !== space || bytes[start + 10] !== space)
    return undefined
  const json = bytes.subarray(start + prefixLength, end)
  if (bytes.toString('latin1', start + 2, start + 10) !== hex(crc32(json, seeds[kind])))
    return undefined
  try {
    return { kind, value: JSON.parse(json.toString('utf8')), end: end + 1 }
  } catch {
    return undefined
  }
}

function kindOf(byte: number | undefined): LineKind | undefined {
  switch (byte) {
    case 0x48:
      return 'H'
    case 0x52:
      return 'R'
    case 0x46:
      return 'F'
    default:
      return undefined
  }
}
