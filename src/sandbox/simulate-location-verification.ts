import { actOut } from './act-out.ts'
import type { Simulation } from './call.ts'
import { type Circle, compareAreas } from './circle-overlap.ts'
import { identifyDevice } from './identify-subscriber.ts'
import { type Answer, answer, invalid, type Outcome, refusal } from './outcome.ts'
import { asObject, type Fields, fieldOf, notAnObject } from './request-fields.ts'
import type { Subscriber, Whereabouts } from './subscriber.ts'

const minuteMs = 60_000

/** `POST /location-verification/v3/verify` */
export const verifyLocation: Simulation = (call) => {
  const fields = asObject(call.body)
  if (fields === undefined) return notAnObject
  const area = readCircle(fieldOf(fields, 'area'))
  if ('status' in area) return area
  const maxAge = fieldOf(fields, 'maxAge')
  if (maxAge !== undefined && !(typeof maxAge === 'number' && Number.isInteger(maxAge))) {
    return invalid('/maxAge', 'must be an integer')
  }
  if (maxAge !== undefined && maxAge < 0) {
    return refusal(400, 'OUT_OF_RANGE', '/maxAge: must not be negative')
  }
  const device = fieldOf(fields, 'device')
  if (device === undefined && call.subject === undefined) {
    return refusal(422, 'MISSING_IDENTIFIER', 'Send device: this token names no subscriber.')
  }
  const identified = identifyDevice(device ?? { phoneNumber: call.subject })
  if ('refused' in identified) return identified.refused
  // A device that the token names is not told back.
  const shown = device === undefined ? undefined : identified.identifier
  const about = { ...identified, identifier: shown }
  return actOut(call, identified.subscriber, () => verify(about, area, maxAge, call.now))
}

function verify(
  { subscriber, identifier }: { subscriber: Subscriber; identifier: Fields | undefined },
  area: Circle,
  maxAge: number | undefined,
  now: Date,
): Outcome {
  const { whereabouts } = subscriber
  const seenAt = lastSeenAt(whereabouts, now)
  if (maxAge !== undefined && now.getTime() - seenAt > maxAge * 1_000) {
    return refusal(
      422,
      'LOCATION_VERIFICATION.UNABLE_TO_FULFILL_MAX_AGE',
      'No position of the device is as recent as maxAge asks for.',
    )
  }
  const { result, ...rest } = compareAreas(area, {
    ...whereabouts,
    radius: whereabouts.accuracyMetres,
  })
  return answer(200, {
    verificationResult: result,
    ...rest,
    lastLocationTime: new Date(seenAt).toISOString(),
    ...(identifier !== undefined && { device: identifier }),
  })
}

/** A device that is seen all the time was seen now; the others at a full minute, so that repeated calls agree. */
function lastSeenAt({ seenMinutesAgo }: Whereabouts, now: Date): number {
  if (seenMinutesAgo === 0) return now.getTime()
  return Math.floor(now.getTime() / minuteMs - seenMinutesAgo) * minuteMs
}

function readCircle(value: unknown): Circle | Answer {
  const area = asObject(value)
  if (area === undefined) return invalid('/area', 'is required and must be an object')
  if (fieldOf(area, 'areaType') !== 'CIRCLE') return invalid('/area/areaType', 'must be CIRCLE')
  const center = asObject(fieldOf(area, 'center'))
  if (center === undefined) return invalid('/area/center', 'is required and must be an object')
  const latitude = fieldOf(center, 'latitude')
  const longitude = fieldOf(center, 'longitude')
  const radius = fieldOf(area, 'radius')
  if (!isNumber(latitude, -90, 90)) {
    return invalid('/area/center/latitude', 'must be a number from -90 to 90')
  }
  if (!isNumber(longitude, -180, 180)) {
    return invalid('/area/center/longitude', 'must be a number from -180 to 180')
  }
  if (!isNumber(radius, 1, Number.MAX_VALUE)) {
    return invalid('/area/radius', 'must be a number of at least 1')
  }
  return { latitude, longitude, radius }
}

const isNumber = (value: unknown, low: number, high: number): value is number =>
  typeof value === 'number' && value >= low && value <= high
