import { constants, type KeyObject, verify } from 'node:crypto'
import { readExtension, type SignatureScheme, signatureScheme } from '../client-certificate.ts'
import { type DerElement, DerFault, DerReader, derTags, derTime } from '../der.ts'

/** What an authority has revoked (RFC 5280 section 5). */
export type RevocationList = {
  /** DER of the authority's name, base64 */
  issuer: string
  nextUpdateMs: number | undefined
  /** serial numbers in hexadecimal */
  serials: ReadonlySet<string>
  isSignedBy(key: KeyObject): boolean
}

const entriesPerTurn = 5_000
/** authority key identifier, number, and where the authority's certificate is: none changes what the list says */
const harmless: ReadonlySet<string> = new Set(['2.5.29.35', '2.5.29.20', '1.3.6.1.5.5.7.1.1'])
/** reason, and since when the key may have been known to others */
const harmlessInEntry: ReadonlySet<string> = new Set(['2.5.29.21', '2.5.29.24', '2.5.29.23'])

/**
 * Reads one list, whole: a list that says less than all of an authority (delta, indirect, partitioned) is refused, because
 * what it leaves out would count as good. Other work goes on between its parts.
 * @throws when it is no such list
 */
export async function readRevocationList(der: Buffer): Promise<RevocationList> {
  const outer = new DerReader(der)
  const list = outer.inside(outer.next(derTags.sequence))
  outer.finish()
  const tbs = list.next(derTags.sequence)
  const algorithm = list.next(derTags.sequence)
  const signature = list.content(list.next(derTags.bitString)).subarray(1)
  list.finish()
  const scheme = signatureScheme(list, algorithm)
  if (scheme === undefined) throw new DerFault('a list is signed with a weak or unknown algorithm')
  const parts = list.inside(tbs)
  parts.optional(derTags.integer)
  const inner = parts.whole(parts.next(derTags.sequence))
  if (!inner.equals(list.whole(algorithm)))
    throw new DerFault('a list names two algorithms that it is signed with')
  const issuer = parts.whole(parts.next(derTags.sequence)).toString('base64')
  derTime(parts, parts.next())
  const next = parts.peek()
  const hasNext = next === derTags.utcTime || next === derTags.generalizedTime
  const nextUpdateMs = hasNext ? derTime(parts, parts.next()) : undefined
  const entries = parts.optional(derTags.sequence)
  const explicit = parts.optional(0xa0)
  parts.finish()
  if (explicit !== undefined) {
    const wrapped = parts.inside(explicit)
    refuseScope(wrapped, wrapped.next(derTags.sequence), harmless)
  }
  const serials = entries === undefined ? new Set<string>() : await readEntries(parts, entries)
  const signed = list.whole(tbs)
  return {
    issuer,
    nextUpdateMs,
    serials,
    isSignedBy: (key) => isSigned(scheme, signed, signature, key),
  }
}

async function readEntries(reader: DerReader, entries: DerElement): Promise<Set<string>> {
  const serials = new Set<string>()
  const list = reader.inside(entries)
  for (let count = 1; !list.done; count += 1) {
    const entry = list.inside(list.next(derTags.sequence))
    serials.add(entry.content(entry.next(derTags.integer)).toString('hex'))
    entry.next()
    if (!entry.done) refuseScope(entry, entry.next(derTags.sequence), harmlessInEntry)
    if (count % entriesPerTurn === 0) await new Promise(setImmediate)
  }
  return serials
}

function refuseScope(reader: DerReader, extensions: DerElement, known: ReadonlySet<string>): void {
  const list = reader.inside(extensions)
  while (!list.done) {
    const { id, critical } = readExtension(list)
    if (critical && !known.has(id))
      throw new DerFault(`a list has the critical extension ${id}: only complete lists are read`)
  }
}

function isSigned(
  scheme: SignatureScheme,
  signed: Buffer,
  signature: Buffer,
  key: KeyObject,
): boolean {
  try {
    const options = scheme.pss
      ? {
          key,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: constants.RSA_PSS_SALTLEN_AUTO,
        }
      : key
    return verify(scheme.hash, signed, options, signature)
  } catch {
    // The key is of another kind than the algorithm.
    return false
  }
}
