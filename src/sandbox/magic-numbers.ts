import type { Failure, SimHistory, Subscriber, Whereabouts } from './subscriber.ts'

const at = (
  place: string,
  latitude: number,
  longitude: number,
  accuracyMetres: number,
  seenMinutesAgo = 0,
): Whereabouts => ({ place, latitude, longitude, accuracyMetres, seenMinutesAgo })

const lisbon = at('Lisbon, Praça do Comércio', 38.7075, -9.1364, 150)
const activated: SimHistory = { kind: 'activated', at: '2019-03-14T09:26:53.000Z' }
const swapped = (hoursAgo: number): SimHistory => ({ kind: 'swapped', hoursAgo })
const undisclosed = (keptDays?: number): SimHistory => ({ kind: 'undisclosed', keptDays })

const person = (
  suffix: string,
  title: string,
  sim: SimHistory,
  whereabouts: Whereabouts,
): Subscriber => ({
  phoneNumber: `+9901000${suffix}`,
  title,
  sim,
  whereabouts,
  codes: 'usual',
  failure: undefined,
})

/** Somebody like the first person, except that calls about this number fail in this way. */
const failing = (suffix: string, title: string, failure: Failure): Subscriber => ({
  phoneNumber: `+9901000${suffix}`,
  title,
  sim: activated,
  whereabouts: lisbon,
  codes: 'usual',
  failure,
})

/** The last three digits of the number are the status. */
const refusing = (suffix: string, message: string, ...codes: string[]): Subscriber =>
  failing(suffix, message, {
    kind: 'refusal',
    status: Number(suffix.slice(1)),
    codes,
    message: `${message}.`,
  })

/**
 * Every number of the sandbox that has a meaning: what the simulator does, what the portal lists and what the guide
 * says are this one table.
 */
export const magicNumbers: readonly Subscriber[] = [
  person('0001', 'Settled: never changed the SIM', activated, lisbon),
  person('0002', 'SIM swapped 3 hours ago', swapped(3), at('Porto', 41.1496, -8.611, 800)),
  person('0003', 'SIM swapped 40 days ago', swapped(960), at('Faro', 37.0194, -7.9304, 1_500, 30)),
  person(
    '0004',
    'Date of the SIM not disclosed',
    undisclosed(),
    at('Coimbra', 40.2033, -8.4103, 5_000, 360),
  ),
  person('0005', 'SIM history of 30 days', undisclosed(30), at('Braga', 41.5454, -8.4265, 800, 5)),
  person('0006', 'SIM history of 120 days', undisclosed(120), at('Évora', 38.5714, -7.9135, 3_000)),
  person('0007', 'SIM swapped 6 days ago', swapped(144), at('Funchal', 32.6496, -16.9086, 400)),
  person('0008', 'Deep in the country', activated, at('Monsanto', 40.0388, -7.1142, 20_000, 2)),
  {
    ...person('0009', 'Reads messages too late', activated, lisbon),
    codes: 'expired at once',
  },

  refusing(
    '0400',
    'A value is outside the range that is served',
    'OUT_OF_RANGE',
    'INVALID_ARGUMENT',
  ),
  refusing('0403', 'The subscriber has withdrawn consent', 'PERMISSION_DENIED'),
  refusing(
    '1403',
    'Messages to this number are blocked',
    '.PHONE_NUMBER_BLOCKED',
    'PERMISSION_DENIED',
  ),
  refusing(
    '2403',
    'This number cannot receive messages',
    '.PHONE_NUMBER_NOT_ALLOWED',
    'PERMISSION_DENIED',
  ),
  refusing(
    '3403',
    'Too many codes were sent to this number',
    '.MAX_OTP_CODES_EXCEEDED',
    'PERMISSION_DENIED',
  ),
  refusing('0404', 'No subscriber has this number', 'IDENTIFIER_NOT_FOUND', 'NOT_FOUND'),
  refusing('1404', 'There is no such thing', 'NOT_FOUND', 'IDENTIFIER_NOT_FOUND'),
  refusing(
    '0409',
    'The request contradicts the present state',
    'CONFLICT',
    'INCOMPATIBLE_STATE',
    'ALREADY_EXISTS',
    'ABORTED',
  ),
  refusing('0422', 'The service is not offered for this number', 'SERVICE_NOT_APPLICABLE'),
  refusing(
    '1422',
    'This kind of identifier is not supported',
    'UNSUPPORTED_IDENTIFIER',
    'SERVICE_NOT_APPLICABLE',
  ),
  refusing(
    '2422',
    'The network cannot locate the device',
    '.UNABLE_TO_LOCATE',
    'SERVICE_NOT_APPLICABLE',
  ),
  refusing(
    '3422',
    'No position is as recent as asked for',
    '.UNABLE_TO_FULFILL_MAX_AGE',
    'SERVICE_NOT_APPLICABLE',
  ),
  refusing('4422', 'The area is not covered', '.AREA_NOT_COVERED', 'SERVICE_NOT_APPLICABLE'),
  refusing('5422', 'The area is too small', '.INVALID_AREA', 'SERVICE_NOT_APPLICABLE'),
  refusing('0429', 'The quota is used up', 'QUOTA_EXCEEDED'),
  refusing('1429', 'Too many requests in a short time', 'TOO_MANY_REQUESTS'),
  refusing('0500', 'The network failed', 'INTERNAL'),
  refusing('0503', 'The network is not available at the moment', 'UNAVAILABLE'),

  failing('0502', 'The network answers with broken JSON', { kind: 'malformed' }),
  failing('0504', 'The network never answers', { kind: 'silent' }),
  failing('2000', 'The network takes 2 seconds', { kind: 'slow', delayMs: 2_000 }),
]
