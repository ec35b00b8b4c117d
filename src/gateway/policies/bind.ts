import { hash } from 'node:crypto'
import { type Challenges, challengesOf } from '../credentials/challenges.ts'
import { proofFault, readProof } from '../credentials/dpop-proof.ts'
import type { AccessToken } from '../credentials/token-verifier.ts'
import { type Exchange, type Outcome, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import { type Refusal, refuseForNow } from '../refusal.ts'

const mostVerifying = 500

/**
 * Whether the call comes from whom the credential was given to. A token that is bound to a certificate (RFC 8705) or a key
 * (RFC 9449) is never accepted without it, whatever the operation asks for; an operation may ask for a registered client
 * certificate with every call, and for tokens that are bound. A call of an unbound token to an ordinary operation passes
 * with two comparisons.
 * @public
 */
export const bind: OperationPolicy = (context, operation) => {
  const terms = operation.documented.terms ?? {}
  const wantsCertificate = terms.clientCertificate === true
  const constrained = terms.senderConstrained === true
  const challenges = challengesOf(operation)
  const checkProof = proofChecker(context, challenges)

  return {
    name: 'bind',
    apply(exchange) {
      const { token } = exchange
      const bound = token?.bound
      if (bound === undefined && !wantsCertificate && !constrained && !exchange.isDpop)
        return undefined
      const refuse = (reason: string, answer = challenges.unauthenticated): Refusal => {
        context.binding.refused(exchange, reason)
        return answer
      }
      if (constrained && token !== undefined && bound === undefined) return refuse('unbound token')
      // A key cannot be bound to anything: where calls must be, a certificate is what binds this one.
      const registered = wantsCertificate || (constrained && token === undefined)
      if (registered || bound?.thumbprint !== undefined) {
        const fault = certificateFault(context, exchange, bound?.thumbprint, registered)
        // A certificate that is missing beside a sound token is no fault of the token: another one would not help.
        if (fault !== undefined)
          return refuse(
            fault,
            bound?.thumbprint === undefined ? challenges.unauthenticated : challenges.invalidToken,
          )
        exchange.bound = 'certificate'
      }
      if (bound?.jkt === undefined)
        return exchange.isDpop
          ? refuse('unbound token with a proof', challenges.invalidDpopToken)
          : undefined
      if (!exchange.isDpop) {
        context.binding.refused(exchange, 'bound token as bearer')
        return challenges.boundToken
      }
      return checkProof(exchange, bound.jkt)
    },
  }
}

/** Why the certificate of the client is not the one that is wanted. */
function certificateFault(
  context: GatewayContext,
  exchange: Exchange,
  thumbprint: string | undefined,
  registered: boolean,
): string | undefined {
  const { peers } = context.binding
  const { application } = exchange
  const nowMs = context.nowMs()
  const peer = peers.of(exchange.request)
  const fault = peers.fault(peer, nowMs)
  if (fault !== undefined || typeof peer === 'string') return fault
  if (thumbprint !== undefined && thumbprint !== peer.leaf.thumbprint) return 'other certificate'
  if (application === undefined) return 'unregistered certificate'
  if (registered)
    return peers.registration(peer, application.certificates ?? [], nowMs) === undefined
      ? 'unregistered certificate'
      : undefined
  return context.index.wasRemoved(`${application.id} ${peer.leaf.thumbprint}`)
    ? 'deleted certificate'
    : undefined
}

function proofChecker(
  context: GatewayContext,
  challenges: Challenges,
): (exchange: Exchange, jkt: NonNullable<AccessToken['bound']>['jkt']) => Outcome {
  const { binding } = context
  const { signatures, memory, ledger } = binding.proofs
  let verifying = 0
  const refuse = (exchange: Exchange, reason: string): Refusal => {
    binding.refused(exchange, reason)
    return challenges.invalidProof
  }
  const claim = async (exchange: Exchange, id: string): Promise<void> => {
    try {
      const first = await ledger.claim(id)
      if (first) exchange.bound = 'dpop'
      exchange.resume(first ? undefined : refuse(exchange, 'used proof'))
    } catch (error) {
      // Whether it was used elsewhere cannot be told: it is not used here.
      exchange.resume(
        refuseForNow('The proof cannot be checked at the moment. Try again with a new one.', {
          reason: 'proofs cannot be claimed',
          err: error,
        }),
      )
    }
  }

  return (exchange, jkt) => {
    const field = exchange.request.headers.dpop
    if (typeof field !== 'string') return refuse(exchange, 'no proof')
    const proof = readProof(field)
    if (proof === undefined) return refuse(exchange, 'unreadable proof')
    if (proof.key.thumbprint !== jkt) return refuse(exchange, 'proof of another key')
    const fault = proofFault(proof, {
      method: exchange.request.method ?? '',
      uris: binding.urisOf(exchange),
      tokenHash: Buffer.from(exchange.tokenDigest, 'latin1').toString('base64url'),
      nowMs: context.nowMs(),
    })
    if (fault !== undefined) return refuse(exchange, fault)
    const id = hash('sha256', `${proof.key.thumbprint} ${proof.jti}`, 'base64url')
    if (memory.has(id)) return refuse(exchange, 'used proof')
    if (verifying >= mostVerifying)
      return refuseForNow('Too many proofs at once. Try again in a moment with a new one.')
    verifying += 1
    signatures.verify(proof, (valid) => {
      verifying -= 1
      if (!valid) exchange.resume(refuse(exchange, 'proof with a wrong signature'))
      else if (!memory.add(id, context.monotonicMs()))
        exchange.resume(refuse(exchange, 'used proof'))
      else void claim(exchange, id)
    })
    return pending
  }
}
