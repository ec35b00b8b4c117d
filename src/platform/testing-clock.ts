import { Worker } from 'node:worker_threads'

/** A wait that is later than this was not served by the machine. */
const lateMs = 25
const tickMs = 5

/** A thread that does nothing but wait: by as much as it is late this process stood still, whatever its code does. */
const watch = `
  const { workerData, parentPort } = require('node:worker_threads')
  const still = new BigInt64Array(workerData)
  const never = new Int32Array(new SharedArrayBuffer(4))
  let before = performance.now()
  parentPort.postMessage('')
  for (;;) {
    Atomics.wait(never, 0, 0, ${tickMs})
    const now = performance.now()
    if (now - before > ${lateMs}) Atomics.add(still, 0, BigInt(Math.round((now - before - ${tickMs}) * 1000)))
    before = now
  }`

let watching: Promise<() => number> | undefined

/**
 * A clock in milliseconds that stands still while the machine does: what a bound on the product is measured with, where
 * the machine of the tests is not the product's. What the code itself blocks or waits for counts in full.
 * @public
 */
export function machineClock(): Promise<() => number> {
  watching ??= new Promise((resolve, reject) => {
    const stillUs = new SharedArrayBuffer(8)
    const worker = new Worker(watch, { eval: true, workerData: stillUs })
    worker.once('error', reject)
    worker.once('message', () => {
      worker.unref()
      // The thread may be about to add what this one has seen already: it never runs backwards.
      let latest = 0
      const now = (): number => {
        const us = Atomics.load(new BigInt64Array(stillUs), 0)
        latest = Math.max(latest, performance.now() - Number(us) / 1_000)
        return latest
      }
      resolve(now)
    })
  })
  return watching
}

/**
 * Whether work stays within a bound of the product: measured again, twice at most, when it did not, since a machine may
 * be late where this process cannot see it (its disk, another process). A product that is late is so each time.
 * @param work what is measured, from a state of its own; resolves to how long it took in milliseconds
 * @public
 */
export async function keepsWithin(boundMs: number, work: () => Promise<number>): Promise<number> {
  for (let turn = 1; ; turn += 1) {
    const tookMs = await work()
    if (tookMs < boundMs || turn === 3) return tookMs
  }
}
