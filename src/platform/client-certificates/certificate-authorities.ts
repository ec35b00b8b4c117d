import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type ClientCertificate, readClientCertificate } from '../client-certificate.ts'
import type { Log } from '../log.ts'
import { pemBlocks } from '../pem.ts'
import { type RevocationList, readRevocationList } from './revocation-list.ts'

/**
 * The operator's own authorities, and what they have revoked.
 * @public
 */
export interface CertificateAuthorities {
  /** another number whenever what is trusted or revoked has changed */
  readonly generation: number
  /** authorities with this name (DER, base64) */
  withSubject(name: string): readonly ClientCertificate[]
  isRevoked(certificate: ClientCertificate): boolean
  /** false while a changed file cannot be used, or a list is older than its authority promised */
  healthy(): boolean
  stop(): void
}

/**
 * Without any: only certificates that were registered one by one.
 * @public
 */
export const noAuthorities: CertificateAuthorities = {
  generation: 0,
  withSubject: () => [],
  isRevoked: () => false,
  healthy: () => true,
  stop: () => undefined,
}

type Files = { caFile: string; crlFile: string | undefined }
/** What stands in the files. */
type Texts = { ca: string; crl: string | undefined }
type Loaded = {
  /** which state of the files this is */
  version: string
  bySubject: ReadonlyMap<string, readonly ClientCertificate[]>
  lists: ReadonlyMap<string, RevocationList>
}

const lookEveryMs = 1_000

/**
 * Reads the files, and again whenever they change. A changed file that cannot be used leaves the former state in force
 * and is an alarm: neither an empty list nor none may come in place of a good one. The former state is kept on the disk, so
 * that a restart at such a moment does not close the network.
 * @throws when they cannot be used at the start, and nothing was kept
 * @public
 */
export async function openCertificateAuthorities(
  options: Files & {
    /** where the last good state is kept */
    keptFile: string
    log: Log
    nowMs: () => number
    lookEveryMs?: number
  },
): Promise<CertificateAuthorities> {
  const { log, keptFile } = options
  let refused: string | undefined
  const alarm = (error: unknown, version: string): void => {
    refused = version
    log.error(
      { err: error, caFile: options.caFile, crlFile: options.crlFile },
      'the certificate authorities or revocation lists cannot be used: the former ones stay in force',
    )
  }
  const loadKept = async (error: unknown): Promise<Loaded> => {
    const kept = await readKept(options, keptFile).catch(() => undefined)
    if (kept === undefined) throw error
    alarm(error, await versionOf(options))
    return kept
  }
  let loaded = await load(options, keptFile, undefined).catch(loadKept)
  let generation = 1
  let stale = false
  let looking = false
  const look = async (): Promise<void> => {
    const version = await versionOf(options)
    if (version !== loaded.version && version !== refused) {
      try {
        loaded = await load(options, keptFile, loaded)
        generation += 1
        refused = undefined
        log.info({ lists: loaded.lists.size }, 'the certificate authorities were read again')
      } catch (error) {
        // Somebody was still writing: the next look reads it whole.
        if (version === (await versionOf(options))) alarm(error, version)
      }
    } else if (version === loaded.version) refused = undefined
    const old = isOld(loaded, options.nowMs())
    if (old && !stale)
      log.error({ crlFile: options.crlFile }, 'a revocation list is out of date: publish a new one')
    stale = old
  }
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void look().finally(() => {
      looking = false
    })
  }, options.lookEveryMs ?? lookEveryMs).unref()
  return {
    get generation() {
      return generation
    },
    withSubject: (name) => loaded.bySubject.get(name) ?? [],
    isRevoked: ({ issuer, serial }) => loaded.lists.get(issuer)?.serials.has(serial) === true,
    healthy: () => refused === undefined && !stale,
    stop: () => clearInterval(timer),
  }
}

const isOld = ({ lists }: Loaded, nowMs: number): boolean =>
  [...lists.values()].some(({ nextUpdateMs }) => nextUpdateMs !== undefined && nextUpdateMs < nowMs)

async function versionOf({ caFile, crlFile }: Files): Promise<string> {
  const one = async (file: string): Promise<string> => {
    try {
      const { mtimeNs, size, ino } = await stat(file, { bigint: true })
      return `${mtimeNs} ${size} ${ino}`
    } catch {
      return 'unreadable'
    }
  }
  return [await one(caFile), crlFile === undefined ? '' : await one(crlFile)].join(' · ')
}

async function load(files: Files, keptFile: string, former: Loaded | undefined): Promise<Loaded> {
  const version = await versionOf(files)
  const texts = {
    ca: await readFile(files.caFile, 'latin1'),
    crl: files.crlFile === undefined ? undefined : await readFile(files.crlFile, 'latin1'),
  }
  const loaded = await parse(files, texts, version)
  for (const issuer of former?.lists.keys() ?? []) {
    if (loaded.bySubject.has(issuer) && !loaded.lists.has(issuer))
      throw new Error(`${files.crlFile}: the list of an authority is missing that was there before`)
  }
  if (version !== (await versionOf(files))) throw new Error('the files change while they are read')
  await mkdir(path.dirname(keptFile), { recursive: true, mode: 0o700 })
  const temporary = `${keptFile}.${process.pid}`
  await writeFile(temporary, JSON.stringify(texts), { mode: 0o600 })
  await rename(temporary, keptFile)
  return loaded
}

async function readKept(files: Files, keptFile: string): Promise<Loaded | undefined> {
  const texts = JSON.parse(await readFile(keptFile, 'utf8')) as Texts
  // Without its list an authority would be trusted whom it has revoked.
  if (files.crlFile !== undefined && texts.crl === undefined) return undefined
  const crl = files.crlFile === undefined ? undefined : texts.crl
  return await parse(files, { ca: texts.ca, crl }, 'kept')
}

async function parse(
  { caFile, crlFile = '' }: Files,
  texts: Texts,
  version: string,
): Promise<Loaded> {
  const bySubject = readAuthorities(caFile, texts.ca)
  const lists =
    texts.crl === undefined
      ? new Map<string, RevocationList>()
      : await readLists(crlFile, texts.crl, bySubject)
  return { version, bySubject, lists }
}

function readAuthorities(file: string, text: string): Map<string, ClientCertificate[]> {
  const blocks = pemBlocks(text, 'CERTIFICATE')
  if (blocks.length === 0) throw new Error(`${file}: there is no certificate in it`)
  const bySubject = new Map<string, ClientCertificate[]>()
  for (const [i, block] of blocks.entries()) {
    const authority = read(file, i, block)
    const [fault] = authority.authorityFaults
    if (fault !== undefined) throw new Error(`${file}: certificate ${i + 1} ${fault}`)
    const { subject } = authority
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), authority])
  }
  return bySubject
}

function read(file: string, i: number, block: Buffer): ClientCertificate {
  try {
    return readClientCertificate(block)
  } catch (cause) {
    throw new Error(`${file}: certificate ${i + 1} cannot be read`, { cause })
  }
}

async function readLists(
  file: string,
  text: string,
  authorities: ReadonlyMap<string, readonly ClientCertificate[]>,
): Promise<Map<string, RevocationList>> {
  const blocks = pemBlocks(text, 'X509 CRL')
  if (blocks.length === 0) throw new Error(`${file}: there is no revocation list in it`)
  const lists = new Map<string, RevocationList>()
  for (const [i, block] of blocks.entries()) {
    const list = await readRevocationList(block)
    const signers = authorities.get(list.issuer) ?? []
    if (!signers.some(({ certificate }) => list.isSignedBy(certificate.publicKey)))
      throw new Error(`${file}: list ${i + 1} is not signed by an authority of the CA file`)
    if (lists.has(list.issuer))
      throw new Error(`${file}: list ${i + 1} is the second one of its authority`)
    lists.set(list.issuer, list)
  }
  return lists
}
