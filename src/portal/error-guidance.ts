import type { ErrorCode } from '#platform/error-codes'

/** What an integrator does about a code: beside the registry's meaning, for the page of each code. */
export const errorGuidance: Readonly<Record<ErrorCode, { causes: string[]; remedy: string }>> = {
  INVALID_ARGUMENT: {
    causes: [
      'A field is missing, misspelt, or of another type than documented.',
      'The body is not JSON, or the content-type does not say application/json.',
      'The x-correlator has a character that its pattern forbids.',
    ],
    remedy:
      'Read the message: it names every fault of the request at once. Compare with the field table of the operation.',
  },
  OUT_OF_RANGE: {
    causes: ['A number, a date or an age is outside what the document or the operator allows.'],
    remedy: 'Use a value inside the range that the message names.',
  },
  UNAUTHENTICATED: {
    causes: [
      'There is no Authorization header, or it does not begin with "Bearer " (or "DPoP " for a token that is bound to a key).',
      'The token has expired: it lives for ten minutes.',
      'The token or API key is of the other environment, or it was deleted, or the operation takes the other of the two. Both in one request are refused.',
      'The operation needs a registered client certificate, or the token is bound to one, and the connection has none, another or an expired one.',
      'The DPoP proof was used before, is older than a minute, or is one for another address, method or token.',
    ],
    remedy:
      'Get a new token and repeat the call once, with a new proof if it is bound to a key. When that fails too, check that token address and gateway address belong to the same environment. WWW-Authenticate lists what the operation accepts. For safety the answer never says which of the causes it was.',
  },
  PERMISSION_DENIED: {
    causes: [
      'The token lacks the scope that the operation asks for.',
      'The application has no subscription to this API, or the contract is not active.',
      'The subscriber has withdrawn consent.',
    ],
    remedy:
      'Ask for the scope that the page of the operation names when you request the token. In production, check that the application is subscribed to the API.',
  },
  STEP_UP_REQUIRED: {
    causes: [
      'The management API was called with a session cookie for something that secrets, prices, roles or erasure depend on, and the person signed in, or proved to be there, more than ten minutes ago.',
      'Since then a factor or the role of the person was changed in another browser.',
    ],
    remedy:
      'GET /management/v1/session/step-up tells the ways that the person has: a passkey, a code, or the password of somebody who has nothing better. POST one of them to the same address and repeat the request. The pages ask by themselves. API tokens never get this answer.',
  },
  SECOND_FACTOR_REQUIRED: {
    causes: [
      'The operator asks its staff for a passkey or an authenticator app (WAYLEAVE_STAFF_SECOND_FACTOR), and whoever is signed in has neither.',
    ],
    remedy: 'Add one under Security in the console, then go on.',
  },
  INVALID_TOKEN_CONTEXT: {
    causes: ['The token was issued for one subscriber and the request names another.'],
    remedy: 'Leave the identifier out of the request, or get a token for that subscriber.',
  },
  NOT_FOUND: {
    causes: [
      'The address is misspelt, or names an API version that is not published.',
      'The thing does not exist, or belongs to another partner: both get this same answer.',
    ],
    remedy: 'Compare the address with the page of the operation, letter by letter.',
  },
  IDENTIFIER_NOT_FOUND: {
    causes: [
      'The phone number is not a subscriber of this operator.',
      'The number has a typing error.',
    ],
    remedy:
      'Treat it as an answer, not as a failure: this operator knows nothing about that number. In the sandbox, use a number of the list.',
  },
  METHOD_NOT_ALLOWED: {
    causes: [
      'The path is right and the method is not: most reads here are POST, so that no personal data is in an address.',
    ],
    remedy: 'Use the method that the page of the operation shows.',
  },
  NOT_ACCEPTABLE: {
    causes: ['The Accept header excludes application/json.'],
    remedy: 'Send Accept: application/json, or no Accept header.',
  },
  ABORTED: {
    causes: ['Two requests changed the same thing at the same time, and the other one won.'],
    remedy: 'Read the thing again, apply your change to what you read, and repeat.',
  },
  ALREADY_EXISTS: {
    causes: ['What should be created exists: often the answer to a request that was repeated.'],
    remedy: 'Read what exists. If it is what you wanted, you are done.',
  },
  INCOMPATIBLE_STATE: {
    causes: [
      'The thing is in a state in which this cannot be done, such as cancelling what has ended.',
    ],
    remedy: 'Read its present state first.',
  },
  CONFLICT: {
    causes: ['The request contradicts what is stored.'],
    remedy: 'Read the present state and decide again.',
  },
  GONE: {
    causes: ['It existed and was retired, such as an API version after its sunset.'],
    remedy: 'Move to the version that the documentation names.',
  },
  FAILED_PRECONDITION: {
    causes: [
      'A condition that the request depends on does not hold, such as an agreement that is not accepted.',
    ],
    remedy: 'The message names the condition. Meet it, then repeat.',
  },
  PAYLOAD_TOO_LARGE: {
    causes: ['The body is larger than this address accepts.'],
    remedy: 'Send less at once.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    causes: ['The content-type header is missing, or is not application/json.'],
    remedy: 'Send Content-Type: application/json.',
  },
  UNSUPPORTED_IDENTIFIER: {
    causes: ['The request identifies the subscriber in a way that this API does not support.'],
    remedy: 'Use a phone number.',
  },
  UNNECESSARY_IDENTIFIER: {
    causes: [
      'The token names the subscriber, and the request names one as well: even the same one is refused.',
    ],
    remedy: 'Leave the phone number out of the body.',
  },
  SERVICE_NOT_APPLICABLE: {
    causes: [
      'The number is known, and the service is not offered for it: another kind of line or tariff.',
    ],
    remedy: 'Treat it as an answer. Fall back to another way for this customer.',
  },
  MISSING_IDENTIFIER: {
    causes: [
      'A token of the client credentials grant names no subscriber, and the request names none either.',
    ],
    remedy: 'Add the phone number to the body.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    causes: [
      'The key was sent with another body, query or path before, or for another subscriber, within 24 hours.',
    ],
    remedy:
      'Make a new key for each new request. Send the same key only to repeat the very same request, byte for byte.',
  },
  QUOTA_EXCEEDED: {
    causes: ['All calls that the contract allows in this period are used.'],
    remedy: 'Retry-After says when the next period begins. For a larger quota, change the plan.',
  },
  TOO_MANY_REQUESTS: {
    causes: [
      'More calls came in a short time than the plan allows: the limit is of the contract, over all its applications.',
    ],
    remedy:
      'Wait for the seconds in Retry-After, and spread calls out. The RateLimit headers tell what is left before it happens.',
  },
  INTERNAL: {
    causes: ['A fault on our side. It is recorded under your x-correlator.'],
    remedy: 'Repeat later, with increasing pauses. If it stays, send us the x-correlator.',
  },
  NOT_IMPLEMENTED: {
    causes: ['The operation is part of the document and is not offered here.'],
    remedy: 'Do not repeat. Ask the owner of the API.',
  },
  BAD_GATEWAY: {
    causes: ['The network behind the gateway answered with something unusable.'],
    remedy: 'Repeat later, with increasing pauses. It is not billed.',
  },
  UNAVAILABLE: {
    causes: [
      'The network behind the gateway cannot answer at the moment, or the gateway protects it from load.',
    ],
    remedy: 'Repeat after Retry-After, with increasing pauses. It is not billed.',
  },
  TIMEOUT: {
    causes: ['The network behind the gateway did not answer in time.'],
    remedy:
      'Repeat later, with increasing pauses. For a call that changes something, find out first whether it took effect.',
  },
}
