/**
 * The rules of the gateway whose decision is written down, each by its bit: the first is 1, the second 2. A rule keeps
 * its place for as long as evidence is kept; new ones are added at the end.
 * @public
 */
export const recordedRules = [
  'authenticate',
  'bind',
  'check-revocation',
  'authorise',
  'shed',
  'require-journal',
  'limit-rate',
  'validate-parameters',
  'validate-body',
  'identify-subject',
  'require-consent',
  'idempotency',
  'limit-quota',
  'isolate-resource',
  'forward',
  'check-response',
  'settle-resource',
  'return-own-device',
  'mask',
] as const

/**
 * Names of the rules of a record, in their order.
 * @public
 */
export const rulesOf = (bits: number): string[] =>
  recordedRules.filter((_rule, place) => (bits & (1 << place)) !== 0)
