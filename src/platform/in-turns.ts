import { setImmediate as nextTurn } from 'node:timers/promises'

const stepsAtOnce = 250

/**
 * `items.map` for long lists: everything else of the process gets its turn every few milliseconds.
 * @public
 */
export async function mapInTurns<T, R>(
  items: readonly T[],
  map: (item: T, index: number) => R,
): Promise<R[]> {
  const mapped: R[] = []
  for (const [index, item] of items.entries()) {
    if (index % stepsAtOnce === 0 && index > 0) await nextTurn()
    mapped.push(map(item, index))
  }
  return mapped
}

/**
 * Runs a generator to its end, a turn of the event loop for each of its steps.
 * @public
 */
export async function runInTurns<R>(steps: Generator<void, R>): Promise<R> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    await nextTurn()
  }
}

/**
 * Runs a generator to its end at once.
 * @public
 */
export function runAtOnce<R>(steps: Generator<void, R>): R {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
