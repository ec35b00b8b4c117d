/**
 * The registry of error codes of every partner-facing and management API (CAMARA Commonalities r4.3, common codes).
 * A code is stable: callers branch on it. `docs/errors.md` documents each one; a test holds the two equal.
 * @public
 */
export const errorCodes = {
  INVALID_ARGUMENT: { status: 400, retry: 'no', meaning: 'A part of the request is malformed.' },
  OUT_OF_RANGE: { status: 400, retry: 'no', meaning: 'A value is outside its documented range.' },
  UNAUTHENTICATED: {
    status: 401,
    retry: 'no',
    meaning: 'The request carries no credential that is accepted here.',
  },
  PERMISSION_DENIED: {
    status: 403,
    retry: 'no',
    meaning: 'The caller is known and may not do this.',
  },
  STEP_UP_REQUIRED: {
    status: 403,
    retry: 'yes',
    meaning: 'The session is good, and the person must prove again that it is there.',
  },
  SECOND_FACTOR_REQUIRED: {
    status: 403,
    retry: 'yes',
    meaning: 'The operator asks its staff for a second factor, and this person has none yet.',
  },
  INVALID_TOKEN_CONTEXT: {
    status: 403,
    retry: 'no',
    meaning: 'The token names another subject than the request.',
  },
  NOT_FOUND: {
    status: 404,
    retry: 'no',
    meaning: 'There is no such thing, or the caller may not see it.',
  },
  IDENTIFIER_NOT_FOUND: {
    status: 404,
    retry: 'no',
    meaning: 'The subscriber identifier is not known.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retry: 'no',
    meaning: 'The path exists; the method does not.',
  },
  NOT_ACCEPTABLE: {
    status: 406,
    retry: 'no',
    meaning: 'No representation that the caller accepts exists.',
  },
  ABORTED: {
    status: 409,
    retry: 'yes',
    meaning: 'A concurrent change won; read again and repeat.',
  },
  ALREADY_EXISTS: { status: 409, retry: 'no', meaning: 'The thing to be created exists.' },
  INCOMPATIBLE_STATE: {
    status: 409,
    retry: 'no',
    meaning: 'The thing is in a state that does not allow this.',
  },
  CONFLICT: { status: 409, retry: 'no', meaning: 'The request contradicts the present state.' },
  GONE: { status: 410, retry: 'no', meaning: 'It existed and was retired.' },
  FAILED_PRECONDITION: {
    status: 412,
    retry: 'no',
    meaning: 'A condition that the request depends on does not hold.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    retry: 'no',
    meaning: 'The body is larger than this address accepts.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    retry: 'no',
    meaning: 'The body is of a media type that is not accepted here.',
  },
  UNSUPPORTED_IDENTIFIER: {
    status: 422,
    retry: 'no',
    meaning: 'This type of subscriber identifier is not supported.',
  },
  UNNECESSARY_IDENTIFIER: {
    status: 422,
    retry: 'no',
    meaning: 'The token names the subscriber already.',
  },
  SERVICE_NOT_APPLICABLE: {
    status: 422,
    retry: 'no',
    meaning: 'The service is not available for this subscriber.',
  },
  MISSING_IDENTIFIER: {
    status: 422,
    retry: 'no',
    meaning: 'Neither the token nor the request names a subscriber.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    retry: 'no',
    meaning: 'The Idempotency-Key was sent with another request before.',
  },
  QUOTA_EXCEEDED: {
    status: 429,
    retry: 'later',
    meaning: 'The contract has used its quota for the period.',
  },
  TOO_MANY_REQUESTS: { status: 429, retry: 'later', meaning: 'Too many requests in a short time.' },
  INTERNAL: {
    status: 500,
    retry: 'later',
    meaning: 'A fault of the platform; it has been recorded.',
  },
  NOT_IMPLEMENTED: {
    status: 501,
    retry: 'no',
    meaning: 'The operation is documented and not available here.',
  },
  BAD_GATEWAY: {
    status: 502,
    retry: 'later',
    meaning: 'The upstream answered with something unusable.',
  },
  UNAVAILABLE: { status: 503, retry: 'later', meaning: 'The service cannot answer at the moment.' },
  TIMEOUT: { status: 504, retry: 'later', meaning: 'The upstream did not answer in time.' },
} as const satisfies Record<
  string,
  { status: number; retry: 'no' | 'yes' | 'later'; meaning: string }
>

/** @public */
export type ErrorCode = keyof typeof errorCodes
