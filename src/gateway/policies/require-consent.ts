import type { ConsentQuestion, ConsentVerdict } from '../consent/known-consents.ts'
import { needsLegalBasis, type Way, wayOf } from '../consent/legal-basis.ts'
import { type Exchange, type Outcome, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import { subjectRuleOf } from '../payload/subject-rule.ts'
import { refuse, refuseForNow } from '../refusal.ts'

/**
 * That a call about a person has its legal basis, by the purpose and the scopes of its token: the contract; a legitimate
 * interest, unless the subscriber objected; or consent. A 3-legged token carries the consents that it was issued on; for
 * a 2-legged one the subscriber's answers are asked for.
 * @public
 */
export const requireConsent: OperationPolicy = (context, operation) => {
  // What is about nobody needs none.
  if (!needsLegalBasis(operation) || subjectRuleOf(operation).kind === 'none') return undefined
  return {
    name: 'require-consent',
    apply(exchange) {
      const { token } = exchange
      const way = wayOf(operation, token)
      exchange.legal = {
        basis: way.basis,
        purpose: token?.purpose,
        scopes: way.scopes.length > 0 ? way.scopes : undefined,
        consents: token !== undefined && token.consents.length > 0 ? token.consents : undefined,
        grant: token?.grant,
      }
      switch (way.basis) {
        case 'contract':
          return undefined
        case 'not-allowed':
          return otherPurpose
        case 'legitimate-interest':
          return hasObjected(context, exchange) ? objected : undefined
        case 'consent':
          return token?.subject === undefined
            ? askForConsent(context, exchange, way)
            : token.consents.length > 0
              ? undefined
              : withoutConsent
      }
    },
  }
}

/** @param purpose `*`: an objection to any purpose, for a token that names none */
const objectionId = (subject: string, applicationId: string, purpose: string): string =>
  `obj:${subject}:${applicationId}:${purpose}`

function hasObjected({ index }: GatewayContext, exchange: Exchange): boolean {
  const { subject, application, token } = exchange
  if (index.revokesNothing || subject === undefined || application === undefined) return false
  return index.isRevoked(objectionId(subject, application.id, token?.purpose ?? '*'))
}

function askForConsent(context: GatewayContext, exchange: Exchange, { scopes }: Way): Outcome {
  const { subject, application, token } = exchange
  if (application === undefined) return withoutConsent
  const inSandbox = context.environment === 'sandbox'
  if (subject === undefined) return inSandbox ? undefined : aboutNobody
  // The first calls of a partner need no purpose; in production each has one.
  if (token?.purpose === undefined && !inSandbox) return withoutPurpose
  const question: ConsentQuestion = {
    subject,
    applicationId: application.id,
    purpose: token?.purpose,
    scopes,
  }
  const verdict = context.consents.ask(question)
  if (!(verdict instanceof Promise)) return conclude(exchange, verdict)
  verdict.then(
    (found) => exchange.resume(conclude(exchange, found)),
    (error: unknown) => {
      context.log.warn({ reason: String(error) }, 'consent could not be asked for')
      exchange.resume(notKnown)
    },
  )
  return pending
}

function conclude(exchange: Exchange, verdict: ConsentVerdict): typeof withoutConsent | undefined {
  if (!verdict.granted) return withoutConsent
  if (exchange.legal !== undefined && verdict.consentIds.length > 0)
    exchange.legal.consents = verdict.consentIds
  return undefined
}

const otherPurpose = refuse(
  'PERMISSION_DENIED',
  'The product is not offered for the purpose of this access token. Its page names the purposes that it is for.',
)
const objected = refuse(
  'PERMISSION_DENIED',
  'The subscriber has objected to this use of their data by this application.',
)
const withoutConsent = refuse(
  'PERMISSION_DENIED',
  'The subscriber has not consented to this purpose and these scopes for this application, or has withdrawn it.',
)
const withoutPurpose = refuse(
  'PERMISSION_DENIED',
  'The answer rests on consent, which is given for a purpose: ask for an access token with one scope such as `dpv:FraudPreventionAndDetection`.',
)
const aboutNobody = refuse(
  'PERMISSION_DENIED',
  'The answer rests on the consent of a subscriber, and neither the access token nor the request names one.',
)
const notKnown = refuseForNow(
  'Whether the subscriber consents cannot be told at the moment. Try again soon.',
)
