import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type ClientCertificate, readClientCertificate } from '../client-certificate.ts'
import type { Received, TrustedProxies } from '../trusted-proxies.ts'
import type { CertificateAuthorities } from './certificate-authorities.ts'
import { readClientCert, readClientCertChain } from './client-cert-field.ts'

/**
 * What a certificate is registered by: itself, or a name in certificates of the operator's authorities.
 * @public
 */
export type RegisteredCertificate = {
  /** SHA-256 of the DER, base64url */
  thumbprint?: string
  /** `DNS:api.bank.example`, `URI:…` */
  subjectAlternativeName?: string
  /** RFC 3339; not accepted after it */
  notAfter?: string
}

/**
 * The certificate whose key the client has proven to hold, and what it sent along to show who issued it.
 * @public
 */
export type PeerCertificate = {
  readonly leaf: ClientCertificate
  readonly others: readonly ClientCertificate[]
  /** what was found out when the authorities were last at this generation */
  judged: Judged | undefined
}

type Judged = {
  generation: number
  revoked: boolean
  /** when an unbroken path to one of the operator's authorities holds; undefined without one */
  path: { notBeforeMs: number; notAfterMs: number } | undefined
}

/**
 * Why a certificate is not accepted: labels of a metric.
 * @public
 */
export type CertificateFault =
  | 'no certificate'
  | 'unreadable certificate'
  | 'weak certificate'
  | 'expired certificate'
  | 'revoked certificate'
  | 'unregistered certificate'

/**
 * The certificate of a request, or why there is none that could be read.
 * @public
 */
export type ShownCertificate = PeerCertificate | CertificateFault

const deepestPath = 4
const mostRemembered = 2_000

/**
 * Finds the certificate of a request, and judges it. Reading one costs once: per connection, or per spelling of a
 * proxy's field. Dates and revocation are looked at for each request, because a connection outlives both.
 * @public
 */
export class PeerCertificates {
  #authorities: CertificateAuthorities
  #proxies: TrustedProxies
  #ofConnection = new WeakMap<Socket, ShownCertificate>()
  #young = new Map<string, PeerCertificate | undefined>()
  #old = new Map<string, PeerCertificate | undefined>()

  constructor(authorities: CertificateAuthorities, proxies: TrustedProxies) {
    this.#authorities = authorities
    this.#proxies = proxies
  }

  /**
   * The certificate of the client. Behind a trusted proxy it is the one that the proxy passes on and no other: what the
   * proxy itself shows on its connection says nothing about who is behind it. Anybody else's fields are not read.
   */
  of(request: Received): ShownCertificate {
    if (this.#proxies.trusts(request)) {
      const { headers } = request
      const field = headers['client-cert']
      if (field === undefined) return 'no certificate'
      return this.passedOn(String(field), headers['client-cert-chain']) ?? 'unreadable certificate'
    }
    return this.#ofSocket(request.socket)
  }

  /** @returns undefined when the fields are malformed (RFC 9440 section 2) */
  passedOn(field: string, chain: string | string[] | undefined): PeerCertificate | undefined {
    const rest = Array.isArray(chain) ? chain.join(', ') : chain
    const key = rest === undefined ? field : `${field}\n${rest}`
    if (this.#young.has(key)) return this.#young.get(key)
    const read = this.#old.has(key) ? this.#old.get(key) : readFields(field, rest)
    if (this.#young.size >= mostRemembered) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, read)
    return read
  }

  /** Why nobody may use it now; undefined when it is good, whoever's it is. */
  fault(peer: ShownCertificate, nowMs: number): CertificateFault | undefined {
    if (typeof peer === 'string') return peer
    if (peer.leaf.clientFaults.length > 0) return 'weak certificate'
    if (nowMs < peer.leaf.notBeforeMs || nowMs > peer.leaf.notAfterMs) return 'expired certificate'
    return this.#judge(peer).revoked ? 'revoked certificate' : undefined
  }

  /**
   * By which of these it is known: it was registered itself (RFC 8705 section 2.2), or it is of the operator's authorities
   * and has a name that was (section 2.1).
   */
  registration<T extends RegisteredCertificate>(
    peer: PeerCertificate,
    registered: readonly T[],
    nowMs: number,
  ): T | undefined {
    for (const one of registered) {
      const { thumbprint, subjectAlternativeName: name, notAfter } = one
      if (notAfter !== undefined && !(Date.parse(notAfter) >= nowMs)) continue
      if (thumbprint !== undefined) {
        if (thumbprint === peer.leaf.thumbprint) return one
      } else if (name !== undefined && peer.leaf.names.includes(name) && this.isIssued(peer, nowMs))
        return one
    }
    return undefined
  }

  /** Whether a path to one of the operator's authorities holds now. */
  isIssued(peer: PeerCertificate, nowMs: number): boolean {
    const { path } = this.#judge(peer)
    return path !== undefined && nowMs >= path.notBeforeMs && nowMs <= path.notAfterMs
  }

  #ofSocket(socket: Socket): ShownCertificate {
    const known = this.#ofConnection.get(socket)
    if (known !== undefined) return known
    const read = readSocket(socket)
    this.#ofConnection.set(socket, read)
    return read
  }

  #judge(peer: PeerCertificate): Judged {
    const authorities = this.#authorities
    const { generation } = authorities
    if (peer.judged?.generation !== generation) {
      const revoked = authorities.isRevoked(peer.leaf)
      peer.judged = { generation, revoked, path: findPath(peer, authorities) }
    }
    return peer.judged
  }
}

function readFields(field: string, chain: string | undefined): PeerCertificate | undefined {
  const leaf = readClientCert(field)
  const others = chain === undefined ? [] : readClientCertChain(chain)
  if (leaf === undefined || others === undefined) return undefined
  try {
    return {
      leaf: readClientCertificate(leaf),
      others: others.map(readClientCertificate),
      judged: undefined,
    }
  } catch {
    return undefined
  }
}

function readSocket(socket: Socket): ShownCertificate {
  const tls = socket as { getPeerX509Certificate?: () => X509Certificate | undefined }
  try {
    const shown = tls.getPeerX509Certificate?.()
    if (shown === undefined) return 'no certificate'
    const others: ClientCertificate[] = []
    let issuer = shown.issuerCertificate
    while (issuer !== undefined && others.length < deepestPath) {
      others.push(readClientCertificate(issuer.raw))
      issuer = issuer.issuerCertificate
    }
    return { leaf: readClientCertificate(shown.raw), others, judged: undefined }
  } catch {
    return 'unreadable certificate'
  }
}

/**
 * Follows the issuers to one of the operator's authorities (RFC 5280 section 6): each has signed the one below it with a
 * strong algorithm, is an authority, allows so many below it, and is not revoked.
 */
function findPath(peer: PeerCertificate, authorities: CertificateAuthorities): Judged['path'] {
  let current = peer.leaf
  let { notBeforeMs, notAfterMs } = current
  for (let below = 0; below <= deepestPath; below += 1) {
    if (!current.isStronglySigned) return undefined
    const issues = (authority: ClientCertificate): boolean =>
      authority.authorityFaults.length === 0 &&
      (authority.pathLength === undefined || authority.pathLength >= below) &&
      current.certificate.checkIssued(authority.certificate) &&
      current.certificate.verify(authority.certificate.publicKey)
    const anchor = authorities.withSubject(current.issuer).find(issues)
    const next =
      anchor ??
      peer.others.find(
        (other) =>
          other.subject === current.issuer && issues(other) && !authorities.isRevoked(other),
      )
    if (next === undefined) return undefined
    notBeforeMs = Math.max(notBeforeMs, next.notBeforeMs)
    notAfterMs = Math.min(notAfterMs, next.notAfterMs)
    if (anchor !== undefined) return { notBeforeMs, notAfterMs }
    current = next
  }
  return undefined
}
