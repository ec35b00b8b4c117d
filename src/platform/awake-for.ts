import { setImmediate, setTimeout } from 'node:timers/promises'

const steps = 20

/**
 * Waits until this process has been running for so long. On a busy machine it may stand still for longer than that, and
 * what came meanwhile would be cut off before it was read: so a pause counts as one step, and what came is read after it.
 * @public
 */
export async function awakeFor(ms: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    await setTimeout(ms / steps)
    await setImmediate()
  }
}
