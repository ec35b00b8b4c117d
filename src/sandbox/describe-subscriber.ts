import type { Failure, SimHistory, Subscriber, Whereabouts } from './subscriber.ts'

/** What calls about a number do, in words made from the very data that the simulator acts on. */
export function describeSubscriber(subscriber: Subscriber): string {
  const { codes, failure, sim, whereabouts } = subscriber
  if (failure !== undefined) return describeFailure(failure)
  const parts = [describeSim(sim), describeWhereabouts(whereabouts)]
  if (codes === 'expired at once') parts.push('Codes by SMS have expired when they arrive.')
  return parts.join(' ')
}

function describeSim(sim: SimHistory): string {
  switch (sim.kind) {
    case 'swapped':
      return `SIM swapped a little over ${sim.hoursAgo} h ago: check is true from maxAge ${sim.hoursAgo + 1}.`
    case 'activated':
      return `SIM never swapped, active since ${sim.at.slice(0, 10)}.`
    case 'undisclosed':
      return sim.keptDays === undefined
        ? 'No swap; latestSimChange is null.'
        : `No swap; latestSimChange is null with monitoredPeriod ${sim.keptDays}; ${limitOf(sim.keptDays)}`
  }
}

const limitOf = (days: number): string =>
  days * 24 < 2_400
    ? `check with maxAge over ${days * 24} is 400 OUT_OF_RANGE.`
    : 'check takes any maxAge.'

function describeWhereabouts(at: Whereabouts): string {
  const seen = at.seenMinutesAgo === 0 ? 'now' : `${at.seenMinutesAgo} min ago`
  const accuracy =
    at.accuracyMetres < 1_000 ? `${at.accuracyMetres} m` : `${at.accuracyMetres / 1_000} km`
  return `Seen ${seen} within ${accuracy} of ${at.place} (${at.latitude}, ${at.longitude}).`
}

function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'refusal':
      return `${failure.status} ${failure.codes.map(describeCode).join(', else ')}.`
    case 'slow':
      return `Answers like the first person, after ${failure.delayMs / 1_000} s.`
    case 'malformed':
      return 'Answers with JSON that breaks off: the gateway makes 502 BAD_GATEWAY of it.'
    case 'silent':
      return 'Never answers: the gateway gives up with 504 TIMEOUT.'
  }
}

const describeCode = (code: string): string => (code.startsWith('.') ? `API${code}` : code)
