import { Counter, Gauge, type Registry } from 'prom-client'
import type { CertificateAuthorities } from '#platform/client-certificates/certificate-authorities'
import { PeerCertificates } from '#platform/client-certificates/peer-certificates'
import { TrustedProxies } from '#platform/trusted-proxies'
import type { Exchange } from '../exchange.ts'
import { ProofSignatures } from './dpop-key.ts'
import { type ProofLedger, ProofMemory } from './proof-ledger.ts'
import { normalisedUri } from './target-uri.ts'

/**
 * What shows that a call comes from whom its credential was given to.
 * @public
 */
export type Binding = {
  readonly authorities: CertificateAuthorities
  readonly peers: PeerCertificates
  readonly proxies: TrustedProxies
  readonly proofs: {
    readonly signatures: ProofSignatures
    readonly memory: ProofMemory
    readonly ledger: ProofLedger
  }
  /** the URIs, without query, that a request may have been sent to by its client */
  urisOf(exchange: Exchange): readonly string[]
  /** Writes down why a credential was refused; the caller is not told. */
  refused(exchange: Exchange, reason: string): void
}

/** @public */
export function createBinding(options: {
  authorities: CertificateAuthorities
  trustedProxies: readonly string[]
  ledger: ProofLedger
  /** the public addresses of this gateway's two listeners */
  urls: { plain: string; secure: string }
  registry: Registry
}): Binding {
  const { authorities, urls, registry } = options
  const proxies = new TrustedProxies(options.trustedProxies)
  const refusals = new Counter({
    name: 'wayleave_gateway_refused_credentials_total',
    help: 'Calls whose credential, certificate or proof was refused, by reason.',
    labelNames: ['reason'] as const,
    registers: [registry],
  })
  new Gauge({
    name: 'wayleave_gateway_client_authorities_healthy',
    help: '0 while the files of certificate authorities or revocation lists cannot be used or are out of date.',
    aggregator: 'min',
    registers: [registry],
    collect() {
      this.set(authorities.healthy() ? 1 : 0)
    },
  })
  const addresses = [...new Set([urls.plain, urls.secure])].map((base) => {
    const { protocol, host } = new URL(base)
    return { base, scheme: protocol.slice(0, -1), origin: normalisedUri(`${protocol}//${host}`) }
  })
  return {
    authorities,
    peers: new PeerCertificates(authorities, proxies),
    proxies,
    proofs: {
      signatures: new ProofSignatures(),
      memory: new ProofMemory(),
      ledger: options.ledger,
    },
    urisOf({ request, secure, path }) {
      const { scheme, host } = proxies.reachedAs(request) ?? {}
      if (scheme === undefined && host === undefined)
        return [(secure ? urls.secure : urls.plain) + path]
      // What a proxy says chooses among our own addresses: it cannot make another one ours.
      return addresses
        .filter((ours) => scheme === undefined || scheme === ours.scheme)
        .filter(
          (ours) => host === undefined || normalisedUri(`${ours.scheme}://${host}`) === ours.origin,
        )
        .map(({ base }) => base + path)
    },
    refused(exchange, reason) {
      exchange.reason = reason
      refusals.labels({ reason }).inc()
    },
  }
}
