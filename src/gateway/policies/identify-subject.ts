import type { Exchange, Outcome } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import { documentsCode } from '../payload/documented-codes.ts'
import { valuesAt } from '../payload/field-path.ts'
import { type CompiledSubject, subjectRuleOf } from '../payload/subject-rule.ts'
import { type Identifier, identifierOf } from '../payload/subscriber-identifier.ts'
import { type TokenSubject, tokenSubject } from '../payload/token-subject.ts'
import { type Refusal, refuse } from '../refusal.ts'

/**
 * Whom a call is about (CAMARA Commonalities, subject identification): the subscriber of a 3-legged token, or the one
 * that the request names, and never both. The upstream is told the number of a 3-legged token in a field of its own;
 * the journal gets a keyed pseudonym.
 * @public
 */
export const identifySubject: OperationPolicy = (context, operation) => {
  const rule = subjectRuleOf(operation)
  if (rule.kind === 'none') return undefined
  const refusesOthers =
    rule.kind === 'compared' && documentsCode(operation, 403, 'INVALID_TOKEN_CONTEXT')
  // A document that knows this code is about the user whom the network authenticated, and about nobody else.
  const needsNetwork = documentsCode(operation, 403, notByNetwork.code)
  return {
    name: 'identify-subject',
    apply(exchange) {
      const own = tokenSubject(context, exchange.token)
      if (own === 'unreadable')
        return refuse('UNAUTHENTICATED', 'A valid access token is needed.', {
          headers: ['www-authenticate', 'Bearer'],
        })
      if (needsNetwork && !(own !== undefined && exchange.token?.methods.includes(networkMethod)))
        return notByNetwork
      if (rule.kind === 'token') return aboutToken(exchange, own)
      const named = namedIn(exchange, rule)
      switch (rule.kind) {
        case 'identifier':
          return own === undefined
            ? aboutRequest(context, exchange, named)
            : (unnecessary(named) ?? aboutToken(exchange, own))
        case 'compared':
          if (own === undefined) return aboutRequest(context, exchange, named)
          if (refusesOthers && named.kind === 'phone' && named.text !== own.phoneNumber)
            return refuse(
              'INVALID_TOKEN_CONTEXT',
              'The access token is about another subscriber than the request.',
            )
          return aboutToken(exchange, own)
        case 'always':
          return aboutRequest(context, exchange, named)
        default:
          return undefined
      }
    },
  }
}

/** In the claim `amr`: the mobile network itself authenticated the subscriber, not a code, a link or a password. */
const networkMethod = 'nbma'

const notByNetwork: Refusal = {
  status: 403,
  code: 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK',
  message:
    'The user must be authenticated by the mobile network: use an access token of the authorization code flow, got from the phone itself with prompt=none.',
}

const nobody: Identifier = { kind: 'none' }

function namedIn(exchange: Exchange, rule: CompiledSubject): Identifier {
  if (rule.path === undefined || exchange.requestJson === undefined) return nobody
  const [value] = valuesAt(exchange.requestJson, rule.path)
  return value === undefined ? nobody : identifierOf(value)
}

function aboutToken(exchange: Exchange, own: TokenSubject | undefined): Outcome {
  if (own === undefined) return undefined
  exchange.subject = own.pseudonym
  exchange.upstreamSubject = own.phoneNumber
  return undefined
}

function aboutRequest(context: GatewayContext, exchange: Exchange, named: Identifier): Outcome {
  switch (named.kind) {
    case 'none':
      return refuse(
        'MISSING_IDENTIFIER',
        'The request must name the subscriber, because the access token does not.',
      )
    case 'unsupported':
      return refuse(
        'UNSUPPORTED_IDENTIFIER',
        'A network access identifier is not supported: name the subscriber by phone number or IP address.',
      )
    default:
      exchange.subject = context.sealing.keyedHash('subject', named.text)
      return undefined
  }
}

const unnecessary = (named: Identifier): Outcome =>
  named.kind === 'none'
    ? undefined
    : refuse(
        'UNNECESSARY_IDENTIFIER',
        'The access token names the subscriber: leave the identifier out of the request.',
      )
