import type { Clock } from '#platform/clock'
import type { CheckpointSink } from './checkpoint-sink.ts'
import { Refused } from './verify.mjs'

const firstRestMs = 5_000
const longestRestMs = 300_000

/**
 * A sink that is left alone for a while after it failed, twice as long each time: a server that is down costs the others
 * no time, and is not asked by every turn of every process.
 */
export function restingSink(sink: CheckpointSink, clock: Clock): CheckpointSink {
  let [failures, restsUntil] = [0, 0]
  let last: unknown
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    if (clock.now().getTime() < restsUntil) throw last
    try {
      const answer = await work()
      failures = 0
      return answer
    } catch (error) {
      // What it holds is wrong: that is an answer, and waiting changes nothing about it.
      if (error instanceof Refused) throw error
      last = error
      restsUntil =
        clock.now().getTime() + Math.min(longestRestMs, firstRestMs * 2 ** Math.min(failures, 10))
      failures += 1
      throw error
    }
  }
  return {
    name: sink.name,
    add: (checkpoints) => ask(() => sink.add(checkpoints)),
    // Asked for by a person who waits for the answer.
    list: () => sink.list(),
    newest: (from) => ask(() => sink.newest(from)),
  }
}
