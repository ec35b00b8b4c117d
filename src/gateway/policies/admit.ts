import type { ArrivalPolicy } from '../gateway-context.ts'
import { refuseForNow } from '../refusal.ts'

/**
 * What cannot be served well, or could not be written down, is refused before anything is done for it.
 * @public
 */
export const admit: ArrivalPolicy = (context) => ({
  name: 'admit',
  apply() {
    if (
      context.inFlight > context.limits.inFlight ||
      context.heldBytes > context.limits.bufferedBytes
    )
      return refuseForNow('The gateway is at its limit. Try again in a moment.')
    if (context.limits.unrecorded === 'refuse' && !context.journal.healthy())
      return refuseForNow('The gateway cannot record calls at the moment. Try again later.')
    return undefined
  },
})
