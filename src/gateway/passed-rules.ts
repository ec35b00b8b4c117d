import { recordedRules } from '#journal'
import type { Exchange, Policy } from './exchange.ts'

const bits: ReadonlyMap<string, number> = new Map(
  recordedRules.map((rule, place) => [rule, 1 << place]),
)

/** For each place of a chain, the bits of the rules before it; a chain is made once for each operation. */
const before = new WeakMap<readonly Policy[], readonly number[]>()

function bitsBefore(chain: readonly Policy[]): readonly number[] {
  let sums = before.get(chain)
  if (sums === undefined) {
    const made = [0]
    for (const { name } of chain) made.push((made.at(-1) ?? 0) | (bits.get(name) ?? 0))
    sums = made
    before.set(chain, made)
  }
  return sums
}

/** The rules that let an exchange pass, as the journal writes them down. */
export function passedRules({ chain, position, skipped, refusedBy }: Exchange): number {
  const sums = bitsBefore(chain)
  const at = (place: number): number => sums[place] ?? 0
  // The last one that ran is the one that refused.
  let passed = at(refusedBy === undefined ? position : position - 1)
  if (skipped !== undefined) passed &= ~(at(skipped[1]) & ~at(skipped[0]))
  return passed
}
