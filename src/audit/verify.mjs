#!/usr/bin/env node
/**
 * Verifies evidence that Wayleave exported, offline. One file without dependencies, for Node 20 and later:
 *
 *     node verify.mjs <evidence.json, .html or .jsonl> [--key <public key>] [--checkpoints <file.jsonl>]
 *
 * The product verifies with this same code. Hashes are those of RFC 9162 (section 2.1), signatures those of C2SP
 * signed-note, checkpoints those of C2SP tlog-checkpoint.
 */
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import { closeSync, openSync, readSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What does not hold, in words. */
export class Refused extends Error {}

/** @type {(reason: string) => never} */
const refuse = (reason) => {
  throw new Refused(reason)
}

/** @param {readonly (Uint8Array | string)[]} parts */
const sha256 = (...parts) => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

/** @param {readonly (Uint8Array | string)[]} parts */
export const leafHash = (...parts) => sha256(Buffer.of(0), ...parts)

/** @type {(left: Uint8Array, right: Uint8Array) => Buffer} */
export const nodeHash = (left, right) => sha256(Buffer.of(1), left, right)

/** The root of a log without leaves. */
export const emptyRoot = sha256()

const half = (/** @type {number} */ n) => Math.floor(n / 2)
const odd = (/** @type {number} */ n) => n % 2 === 1
const isCount = (/** @type {unknown} */ n) => Number.isSafeInteger(n) && Number(n) >= 0

/**
 * Whether the leaf stands at this position of the log of `size` leaves with this root (RFC 9162, 2.1.3.2).
 * @param {{ leaf: Buffer, position: number, size: number, path: readonly Buffer[], root: Buffer }} proof
 */
export function verifyInclusion({ leaf, position, size, path, root }) {
  if (!isCount(position) || !isCount(size) || position >= size) return false
  let own = position
  let last = size - 1
  let hash = leaf
  for (const other of path) {
    if (last === 0) return false
    if (odd(own) || own === last) {
      hash = nodeHash(other, hash)
      while (!odd(own) && own !== 0) {
        own = half(own)
        last = half(last)
      }
    } else hash = nodeHash(hash, other)
    own = half(own)
    last = half(last)
  }
  return last === 0 && hash.equals(root)
}

/**
 * Whether the log of `second` leaves begins with the log of `first` leaves (RFC 9162, 2.1.4.2).
 * @param {{ first: number, second: number, firstRoot: Buffer, secondRoot: Buffer, path: readonly Buffer[] }} proof
 */
export function verifyConsistency({ first, second, firstRoot, secondRoot, path }) {
  if (!isCount(first) || !isCount(second) || first > second) return false
  if (first === second) return path.length === 0 && firstRoot.equals(secondRoot)
  if (first === 0) return path.length === 0 && firstRoot.equals(emptyRoot)
  let own = first - 1
  let last = second - 1
  while (odd(own)) {
    own = half(own)
    last = half(last)
  }
  // A first log that is one full subtree is itself where the walk begins.
  const [start, ...rest] = own === 0 ? [firstRoot, ...path] : path
  if (start === undefined) return false
  let before = start
  let after = start
  for (const other of rest) {
    if (last === 0) return false
    if (odd(own) || own === last) {
      before = nodeHash(other, before)
      after = nodeHash(other, after)
      while (!odd(own) && own !== 0) {
        own = half(own)
        last = half(last)
      }
    } else after = nodeHash(after, other)
    own = half(own)
    last = half(last)
  }
  return last === 0 && before.equals(firstRoot) && after.equals(secondRoot)
}

/**
 * Members in the order of their UTF-16 code units and no white space, as RFC 8785 asks.
 * @type {(value: unknown) => string}
 */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

/** Bytes of base64 in its one spelling; `undefined` for any other text. @param {unknown} text */
const fromBase64 = (text) => {
  const bytes = Buffer.from(String(text), 'base64')
  return typeof text === 'string' && bytes.toString('base64') === text ? bytes : undefined
}

/**
 * A public key as C2SP signed-note writes it: `<name>+<key id>+<base64 of 0x01 and the Ed25519 key>`.
 * @param {string} text
 */
export function parseKey(text) {
  const [, name = '', id = '', body = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? []
  const bytes = fromBase64(body)
  if (bytes === undefined || bytes.length !== 33 || bytes[0] !== 1)
    return refuse('the public key is not one of an Ed25519 signed note')
  if (keyId(name, bytes.subarray(1)) !== id)
    return refuse('the public key does not have the key id that it names')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') }
  return { name, id, key: createPublicKey({ key: jwk, format: 'jwk' }) }
}

/**
 * The key id of C2SP signed-note: the first four bytes of SHA-256(name, new line, 0x01, key).
 * @type {(name: string, key: Uint8Array) => string}
 */
export const keyId = (name, key) =>
  sha256(name, '\n', Buffer.of(1), key).subarray(0, 4).toString('hex')

/**
 * The text of a note that this key signed.
 * @param {string} note
 * @param {string} publicKey
 */
export function openNote(note, publicKey) {
  const { name, id, key } = parseKey(publicKey)
  const [, text = '', signer = '', body = ''] =
    /^((?:[^\n]+\n)+)\n\u2014 (\S+) (\S+)\n$/.exec(note) ?? []
  const signature = fromBase64(body)
  if (text === '' || signature === undefined || signature.length !== 68)
    return refuse('it is not a note with one signature')
  if (signer !== name || signature.subarray(0, 4).toString('hex') !== id)
    return refuse('it is signed with another key')
  if (!verifySignature(null, Buffer.from(text), key, signature.subarray(4)))
    return refuse('its signature does not hold')
  return text
}

/**
 * What a signed checkpoint says: the log had so many leaves and this root at that time.
 * @param {string} note
 * @param {string} publicKey
 */
export function openCheckpoint(note, publicKey) {
  const text = openNote(note, publicKey)
  const [, origin = '', count = '', body, at = ''] =
    /^(\S+)\n(0|[1-9]\d*)\n(\S+)\ntime (\S+)\n$/.exec(text) ?? []
  const root = fromBase64(body)
  const size = Number(count)
  if (root === undefined || root.length !== 32 || !Number.isSafeInteger(size))
    return refuse('it is not a checkpoint')
  if (origin !== parseKey(publicKey).name) return refuse('it is a checkpoint of another log')
  return { origin, size, root, at }
}

/** What a bundle is sealed with, as text that is signed. @type {(origin: string, contents: unknown) => string} */
export const sealText = (origin, contents) =>
  `${origin}/bundle\n${sha256(canonicalJson(contents)).toString('base64')}\n`

/** The one spelling of a bundle. @type {(bundle: unknown) => string} */
export const bundleText = (bundle) => `${JSON.stringify(bundle, null, 2)}\n`

const opening = '<script type="application/json" id="evidence">'
const closing = '</script>'
/** Where the page of a bundle takes the bundle in. */
export const pageSlot = '<!--evidence-->'

/**
 * The same bundle as a page to read; it verifies as the other spelling does.
 * @param {{ page: string }} bundle
 */
export const pageText = (bundle) =>
  bundle.page.replace(
    pageSlot,
    () => `${opening}${JSON.stringify(bundle).replaceAll('<', '\\u003c')}${closing}`,
  )

/** The action that names a new key of the log, in a leaf that a checkpoint of the key before it covers. */
export const keyRotated = 'evidence-key.rotated'

export const listFormat = 'wayleave-evidence-list/1'

export const bundleFormat = 'wayleave-evidence-bundle/2'

/**
 * Verifies a bundle, and tells what it proves.
 * @param {Uint8Array} file
 * @param {Known} known the public key and the exported
 *   checkpoints, as they were got on another way than the bundle
 * @throws {Refused} with the first thing that does not hold
 */
export function verifyBundle(file, known = {}) {
  const { seal, ...rest } = readBundle(file)
  const { checkpoint, key, leaves, continuity, told, explanation } = rest
  const { name } = parseKey(key)
  const sealed = within('the seal of the bundle', () => openNote(seal, key))
  if (sealed !== sealText(name, rest)) refuse('the bundle is not what was sealed: it was changed')
  const trusted = keysThatVouch(key, continuity)
  if (known.key !== undefined && !trusted.includes(known.key))
    refuse('the bundle is signed with another key than the one given')
  const { size, at } = verifyLeaves(leaves, checkpoint, key)
  verifyTold(leaves, told)
  const { checkpoints } = known
  const given = checkpoints instanceof Set ? checkpoints : checkpoints && new Set(checkpoints)
  const kept = given?.has(checkpoint)
  if (kept === false) refuse('the checkpoint of the bundle is not among those given')
  const [first] = leaves
  if (first === undefined) return refuse('the bundle has no leaf')
  const erased = leaves.some(
    (leaf) => leaf.personal === 'erased' || leaf.exchange?.personal === 'erased',
  )
  return {
    ...{ kind: first.exchange === undefined ? first.kind : 'exchange', position: first.position },
    id: first.exchange === undefined ? first.id : String(first.exchange.record.id),
    leaves: leaves.map(({ kind, id, position }) => ({ kind, id, position })),
    ...{ size, signedAt: at, key, erased, explanation },
  }
}

/**
 * Verifies a list: a bundle on each line, and a last line that seals how many there are.
 * @param {Uint8Array} file
 * @param {Known} known
 * @throws {Refused} with the first line that does not hold
 */
export const verifyList = (file, known = {}) => verifyListPieces([file], known)

/**
 * The same, of a file that comes in pieces: it may be larger than the memory, and than any text can be.
 * @param {Iterable<Uint8Array>} pieces
 * @param {Known} known
 */
export function verifyListPieces(pieces, known = {}) {
  const checkpoints = known.checkpoints && new Set(known.checkpoints)
  const digest = createHash('sha256')
  /** by key, the first line that is signed with it @type {Map<string, number>} */
  const signers = new Map()
  let count = 0
  let last = Buffer.alloc(0)
  for (const line of linesIn(pieces)) {
    if (last.length > 0) {
      const bundle = last
      count += 1
      digest.update(bundle)
      const { key } = within(`line ${count}`, () =>
        verifyBundle(Buffer.from(bundleText(JSON.parse(bundle.toString('utf8')))), { checkpoints }),
      )
      if (!signers.has(key)) signers.set(key, count)
    }
    last = line
  }
  const { seal, ...list } = within('the last line', () => JSON.parse(last.toString('utf8')) ?? {})
  if (list.format !== listFormat || typeof list.key !== 'string' || typeof seal !== 'string')
    refuse('the last line is not the one that seals a list: the file was cut off')
  if (!Buffer.from(`${JSON.stringify({ ...list, seal })}\n`).equals(last))
    refuse('the last line is not written as it was: it was changed')
  const trusted = within('the last line', () => keysThatSeal(list, known))
  const sealed = within('the seal of the list', () => openNote(seal, list.key))
  const whole =
    sealed === sealText(parseKey(list.key).name, list) &&
    list.count === count &&
    list.sha256 === digest.digest('hex')
  if (!whole) refuse('the list is not what was sealed: it was changed')
  // A key may have followed another one while the list was written.
  for (const [key, line] of signers)
    if (!trusted.includes(key))
      refuse(`line ${line}: is signed with a key that does not lead to that of the list`)
  const { partnerId, from, to, key } = list
  return { partnerId, from, to, count, key }
}

/**
 * Lines with their ends.
 * @param {Iterable<Uint8Array>} pieces
 */
function* linesIn(pieces) {
  /** @type {Uint8Array[]} */
  let begun = []
  for (const piece of pieces) {
    let from = 0
    for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, from)) {
      yield Buffer.concat([...begun, piece.subarray(from, end + 1)])
      begun = []
      from = end + 1
    }
    if (from < piece.length) begun.push(piece.subarray(from))
  }
  if (begun.length > 0) yield Buffer.concat(begun)
}

const pieceBytes = 65_536

/** @param {string} path */
function* piecesOf(path) {
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(pieceBytes)
      const length = readSync(file, piece)
      if (length === 0) return
      yield piece.subarray(0, length)
    }
  } finally {
    closeSync(file)
  }
}

/**
 * The key of a list with those that lead to it. That its lines are genuine says nothing of those that are missing: what the
 * reader knows from elsewhere has to vouch for the seal itself.
 * @param {{ key: string, continuity?: unknown }} list
 * @param {Known} known
 */
function keysThatSeal({ key, continuity = [] }, known) {
  if (!Array.isArray(continuity) || !continuity.every(isStep))
    return refuse('the keys before are none')
  const trusted = keysThatVouch(key, continuity)
  if (known.key !== undefined && !trusted.includes(known.key))
    refuse('the list is sealed with another key than the one given')
  if (known.checkpoints && ![...known.checkpoints].some((note) => isSignedBy(note, key)))
    refuse('none of the checkpoints given is signed with the key of the list')
  return trusted
}

/** @type {(note: string, publicKey: string) => boolean} */
function isSignedBy(note, publicKey) {
  const { name, id } = parseKey(publicKey)
  // There may be a checkpoint for each minute of years: only what names this key is opened.
  const hint = Buffer.from(id, 'hex').toString('base64').slice(0, 5)
  if (!note.includes(`\u2014 ${name} ${hint}`)) return false
  try {
    openCheckpoint(note, publicKey)
    return true
  } catch {
    return false
  }
}

/** Whether a file is a list: bundles that are files of their own begin with another character. @param {Uint8Array} file */
export const isList = (file) =>
  Buffer.from(file.subarray(0, 12)).toString('latin1').startsWith('{"format":')

/**
 * Each leaf stands where it says, in the log of which the checkpoint is.
 * @param {readonly BundleLeaf[]} leaves
 * @param {string} checkpoint
 * @param {string} key
 */
function verifyLeaves(leaves, checkpoint, key) {
  const signed = within('the checkpoint', () => openCheckpoint(checkpoint, key))
  const { size, root } = signed
  for (const one of leaves) {
    const { position } = one
    const what = `${one.kind} ${one.id}`
    const leaf = within(what, () => hashOfLeaf(one))
    const path = hashesOf(one.path)
    if (!verifyInclusion({ leaf, position, size, path, root }))
      refuse(`${what}: the inclusion proof does not lead from the record to the checkpoint`)
  }
  return signed
}

/**
 * The keys that lead to this one: each signed a checkpoint with the leaf that names the next.
 * @param {string} key
 * @param {readonly { key: string, checkpoint: string, leaf: BundleLeaf }[]} continuity
 */
function keysThatVouch(key, continuity) {
  const { name } = parseKey(key)
  for (const [place, step] of continuity.entries()) {
    within('the key before', () => {
      if (parseKey(step.key).name !== name) refuse('is the key of another log')
      verifyLeaves([step.leaf], step.checkpoint, step.key)
      const { action, detail } = step.leaf.record
      const next = continuity[place + 1]?.key ?? key
      if (step.leaf.kind !== 'action' || action !== keyRotated || detail?.key !== next)
        refuse('does not name the one after it')
    })
  }
  return [...continuity.map((step) => step.key), key]
}

/**
 * The hash of a leaf from what the bundle says was hashed.
 * @param {BundleLeaf} leaf
 */
function hashOfLeaf({ kind, id, record, previousHash, personal, exchange }) {
  if (kind === 'action') {
    if (record.event_id !== id) return refuse('the record is not the one that the bundle names')
    if (previousHash === undefined || !/^[0-9a-f]{64}$/.test(previousHash))
      return refuse('the hash of the entry before is none')
    return leafHash(canonicalJson(record), Buffer.from(previousHash, 'hex'))
  }
  if (record.kind !== kind) return refuse('the record is of another kind')
  if (kind === 'exchanges') {
    const { environment, gateway, boot, sequence } = record
    if (id !== `${environment}/${gateway}/${boot}/${sequence}` || exchange === undefined)
      return refuse('the record is not the one that the bundle names')
    verifyExchange(exchange, record)
  } else if (record.id !== id) return refuse('the record is not the one that the bundle names')
  verifyPersonal(record, personal)
  return leafHash(canonicalJson(record))
}

/**
 * The record of one call is in the tree of its journal segment, whose root is in the leaf.
 * @param {BundleExchange} exchange
 * @param {Record<string, unknown>} segment
 */
function verifyExchange({ record, personal, position, path }, { root, records }) {
  verifyPersonal(record, personal)
  const proof = {
    ...{ leaf: leafHash(canonicalJson(record)), position, size: Number(records) },
    ...{ path: hashesOf(path), root: Buffer.from(String(root), 'hex') },
  }
  if (!verifyInclusion(proof)) refuse('the record of the exchange is not in its journal segment')
}

/**
 * Personal values are what the record has the commitment of. They may be gone: nobody can make up others.
 * @param {Record<string, unknown>} record
 * @param {BundleLeaf['personal']} personal
 */
function verifyPersonal({ personal: commitment }, personal) {
  if (commitment === undefined && personal === undefined) return
  if (commitment !== undefined && personal === 'erased') return
  const { salt, values } = typeof personal === 'object' ? personal : { salt: '', values: undefined }
  if (sha256(`${salt}.${canonicalJson(values)}`).toString('hex') !== commitment)
    refuse('the personal values are not what the record was made of')
}

/**
 * What is told beside the log has its hashes in the log.
 * @param {readonly BundleLeaf[]} leaves
 * @param {Bundle['told']} told
 */
function verifyTold(leaves, { notices = [], agreement }) {
  const inLog = canonicalJson(leaves)
  for (const { hash, content } of notices) {
    if (sha256(content).toString('base64url') !== hash)
      refuse('the text that was shown is not the one of its hash')
    if (!inLog.includes(JSON.stringify(hash)))
      refuse('no record of the bundle has the hash of the text that was shown')
  }
  const accepted = leaves.find(({ record }) => record.action === 'agreement.accepted')
  if (
    agreement !== undefined &&
    accepted !== undefined &&
    accepted.record.detail?.sha256 !== agreement.sha256
  )
    refuse('the agreement is not the one that was accepted')
}

/** @param {unknown} path */
function hashesOf(path) {
  if (!Array.isArray(path)) return refuse('an inclusion proof is none')
  return path.map((hash) => {
    const bytes = fromBase64(hash)
    return bytes?.length === 32 ? bytes : refuse('the inclusion proof has a hash that is none')
  })
}

/**
 * @typedef {{ key?: string | undefined, checkpoints?: readonly string[] | ReadonlySet<string> | undefined }} Known
 * @typedef {{ [name: string]: unknown, detail?: Record<string, unknown> }} BundleRecord
 * @typedef {'erased' | { salt: string, values: unknown }} BundlePersonal
 * @typedef {{ record: BundleRecord, personal?: BundlePersonal, position: number, path: string[] }} BundleExchange
 * @typedef {{ position: number, kind: string, id: string, path: string[], record: BundleRecord, previousHash?: string,
 *   personal?: BundlePersonal, exchange?: BundleExchange }} BundleLeaf
 * @typedef {{ format: string, exportedAt: string, explanation: string, page: string,
 *   told: { notices?: { hash: string, locale: string, content: string }[], agreement?: { sha256: string }, [name: string]: unknown },
 *   leaves: BundleLeaf[], checkpoint: string, key: string,
 *   continuity: { key: string, checkpoint: string, leaf: BundleLeaf }[], seal: string }} Bundle
 */

/** @type {(file: Uint8Array) => Bundle} */
function readBundle(file) {
  const bundle = within('the bundle', () => {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file)
    const start = text.indexOf(opening)
    if (start === -1) return readSpelling(text, text, bundleText)
    const json = text.slice(start + opening.length, text.indexOf(closing, start))
    return readSpelling(json, text, pageText)
  })
  if (bundle?.format !== bundleFormat)
    refuse(`the file is not a bundle of the format ${bundleFormat}`)
  const texts = ['exportedAt', 'explanation', 'page', 'checkpoint', 'key', 'seal']
  const whole =
    texts.every((name) => typeof bundle[name] === 'string') &&
    Array.isArray(bundle.leaves) &&
    bundle.leaves.every(isLeaf) &&
    Array.isArray(bundle.continuity) &&
    bundle.continuity.every(isStep) &&
    isObject(bundle.told)
  return whole ? bundle : refuse('the bundle lacks a part')
}

/**
 * @param {string} json
 * @param {string} text
 * @param {(bundle: Bundle) => string} spell
 */
function readSpelling(json, text, spell) {
  const parsed = JSON.parse(json)
  if (spell(parsed) !== text) refuse('is not written as bundles are: it was changed')
  return parsed
}

const isObject = (/** @type {unknown} */ value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @param {Partial<BundleLeaf> | undefined} leaf */
const isLeaf = (leaf) =>
  isCount(leaf?.position) &&
  typeof leaf?.kind === 'string' &&
  typeof leaf.id === 'string' &&
  isObject(leaf.record) &&
  (leaf.exchange === undefined || isObject(leaf.exchange.record))

/** @param {Partial<Bundle['continuity'][number]> | undefined} step */
const isStep = (step) =>
  typeof step?.key === 'string' && typeof step.checkpoint === 'string' && isLeaf(step.leaf)

/** @template T @param {string} what @param {() => T} work @returns {T} */
function within(what, work) {
  try {
    return work()
  } catch (error) {
    return refuse(`${what}: ${error instanceof Error ? error.message : error}`)
  }
}

/** @param {string} text */
export const readCheckpointLines = (text) => checkpointsIn([Buffer.from(text)])

/** The same of a file, however long it has grown. @param {string} path */
export const readCheckpointFile = (path) => checkpointsIn(piecesOf(path))

/**
 * The checkpoints of an exported file, line by line; a line that was never finished is left out. Editors and mail programs
 * of some systems end lines otherwise, and mark the beginning.
 * @param {Iterable<Uint8Array>} pieces
 * @returns {{ checkpoint: string, key: string }[]}
 */
function checkpointsIn(pieces) {
  /** @type {{ checkpoint: string, key: string }[]} */
  const found = []
  let number = 0
  for (const piece of linesIn(pieces)) {
    number += 1
    if (piece.includes(0)) refuse('the checkpoints are not text in UTF-8: save the file as that')
    const whole = Buffer.from(piece)
      .toString('utf8')
      .replace(/\r?\n$/, '')
    const line = number === 1 ? whole.replace(/^\ufeff/, '') : whole
    if (line.trim() === '') continue
    const one = checkpointIn(line)
    if (one !== undefined) found.push(one)
    // A process that was killed left half a line; the one after it began a new one.
    else if (!isTorn(line)) refuse(`line ${number} is no checkpoint`)
  }
  return found
}

/** @param {string} line */
function checkpointIn(line) {
  try {
    const { checkpoint, key } = JSON.parse(line)
    if (typeof checkpoint === 'string' && typeof key === 'string') return { checkpoint, key }
  } catch {
    // Told by who asks, with its line.
  }
  return undefined
}

/** Half of what would be a line. @param {string} line */
const isTorn = (line) => '{"checkpoint":"'.startsWith(line.slice(0, 15)) && !line.endsWith('}')

/** @param {readonly string[]} args */
function main(args) {
  const files = [...args]
  const option = (/** @type {string} */ name) => {
    const place = files.indexOf(name)
    // An option without a value leaves its name among the files, and that is refused.
    return place === -1 || place === files.length - 1 ? undefined : files.splice(place, 2)[1]
  }
  const key = option('--key')
  const checkpointFile = option('--checkpoints')
  const [file] = files
  if (file === undefined || files.length !== 1 || file.startsWith('--')) {
    process.stderr.write(
      'usage: node verify.mjs <evidence.json, .html or .jsonl> [--key <public key>] [--checkpoints <file.jsonl>]\n',
    )
    return 2
  }
  try {
    const checkpoints =
      checkpointFile === undefined
        ? undefined
        : readCheckpointFile(checkpointFile).map((line) => line.checkpoint)
    process.stdout.write(`${tellPath(file, { key, checkpoints })}\n`)
    return 0
  } catch (error) {
    process.stderr.write(`NOT verified: ${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

/**
 * Verifies a bundle or a list of them, and tells what was proven.
 * @param {Uint8Array} file
 * @param {Known} known
 */
export const tellFile = (file, known) => tellPieces([file], known)

/** The same of a file that may be larger than the memory. @type {(path: string, known: Known) => string} */
export const tellPath = (path, known) => tellPieces(piecesOf(path), known)

/** @type {(pieces: Iterable<Uint8Array>, known: Known) => string} */
function tellPieces(pieces, known) {
  const rest = pieces[Symbol.iterator]()
  const { value: first = Buffer.alloc(0) } = rest.next()
  const all = (function* () {
    yield first
    for (let next = rest.next(); !next.done; next = rest.next()) yield next.value
  })()
  if (!isList(first)) return tellProven(verifyBundle(Buffer.concat([...all]), known), known)
  const { partnerId, from, to, count, key } = verifyListPieces(all, known)
  return [
    `Verified: ${count} calls of ${partnerId} from ${from} until ${to}, each with its place in the signed log.`,
    tellTrust(key, known),
  ].join('\n')
}

/**
 * What a verification rests on.
 * @param {string} key
 * @param {Known} known
 */
function tellTrust(key, known) {
  if (known.key === undefined && known.checkpoints === undefined)
    return `Compare the key with the one that the operator published: ${key}`
  return known.key === undefined || known.key === key
    ? 'The key or the checkpoint is the one that you gave.'
    : `The key that you gave vouches for the key that signed it: ${key}`
}

/**
 * What was proven, for a person.
 * @param {ReturnType<typeof verifyBundle>} proven
 * @param {Known} known
 */
export function tellProven(proven, known) {
  const { kind, id, position, size, signedAt, key, erased, leaves, explanation } = proven
  const others = leaves.slice(1).map((leaf) => `${leaf.kind} ${leaf.id} (leaf ${leaf.position})`)
  return [
    `Verified: ${kind} ${id} is in leaf ${position} of the log of ${size} leaves that was signed at ${signedAt}.`,
    ...(others.length === 0 ? [] : [`Verified with it: ${others.join(', ')}.`]),
    ...(erased
      ? [
          'The personal values are gone: the subscriber was erased. Everything else is proven as before.',
        ]
      : []),
    tellTrust(key, known),
    '',
    explanation,
  ].join('\n')
}

const started = process.argv[1]
if (started !== undefined && realpathOf(started) === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2))

/** @param {string} file */
function realpathOf(file) {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
