import type { OperationPolicy } from '../gateway-context.ts'
import { refuseForNow } from '../refusal.ts'

/**
 * When this process has more to do than it can do well, it serves the calls of enterprise contracts longest and those of
 * free ones shortest. Refused here, a call has cost little and has done nothing.
 * @public
 */
export const shed: OperationPolicy = (context) => ({
  name: 'shed',
  apply({ contract }) {
    if (contract === undefined) return undefined
    const { inFlight, heldBytes, limits } = context
    const load = Math.max(inFlight / limits.inFlight, heldBytes / limits.bufferedBytes)
    if (!context.pressure.sheds(contract.tier, load)) return undefined
    return refuseForNow('The gateway has too much to do at the moment. Try again in a moment.')
  },
})
