import { createHash } from 'node:crypto'
import { magicNumbers } from './magic-numbers.ts'
import type { SimHistory, Subscriber } from './subscriber.ts'

const sandboxNumber = /^\+990[0-9]{2,12}$/

/**
 * The simulated subscriber behind a number: the documented one, or one that is made of the number's hash, the same in
 * every process and for all time.
 * @returns undefined outside the sandbox's range
 */
export function findSubscriber(phoneNumber: string): Subscriber | undefined {
  if (!sandboxNumber.test(phoneNumber)) return undefined
  return (
    magicNumbers.find((known) => known.phoneNumber === phoneNumber) ??
    imagineSubscriber(phoneNumber)
  )
}

const accuracies = [150, 400, 800, 1_500, 3_000]
const ages = [0, 0, 5, 30, 120]

function imagineSubscriber(phoneNumber: string): Subscriber {
  const hash = createHash('sha256').update(phoneNumber).digest()
  const draw = (byte: number, values: number): number => hash.readUInt16BE(byte * 2) % values
  return {
    phoneNumber,
    title: 'Any other number',
    sim: imagineSim(draw),
    whereabouts: {
      place: 'somewhere in Portugal',
      latitude: 38 + draw(4, 3_000) / 1_000,
      longitude: -8.6 + draw(5, 1_000) / 1_000,
      accuracyMetres: accuracies[draw(6, accuracies.length)] ?? 800,
      seenMinutesAgo: ages[draw(7, ages.length)] ?? 0,
    },
    codes: 'usual',
    failure: undefined,
  }
}

/** One line in sixteen was swapped within three days, three in the last 400; the others never. */
function imagineSim(draw: (byte: number, values: number) => number): SimHistory {
  const kind = draw(0, 16)
  if (kind === 0) return { kind: 'swapped', hoursAgo: 1 + draw(1, 71) }
  if (kind < 4) return { kind: 'swapped', hoursAgo: 96 + draw(1, 9_500) }
  const day = Date.UTC(2012, 0, 1) + draw(2, 4_380) * 86_400_000 + draw(3, 50_000) * 1_000
  return { kind: 'activated', at: new Date(day).toISOString() }
}
