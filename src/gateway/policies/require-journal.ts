import type { OperationPolicy } from '../gateway-context.ts'
import { refuseForNow } from '../refusal.ts'

/**
 * With a journal that cannot be written, only the calls of free contracts go on, and only where the operator wants
 * that: nothing of theirs is billed. Where nothing may go unrecorded, `admit` has refused already.
 * @public
 */
export const requireJournal: OperationPolicy = (context) =>
  context.limits.unrecorded === 'serve-free'
    ? {
        name: 'require-journal',
        apply: (exchange) =>
          exchange.contract?.tier === 'free' || context.journal.healthy()
            ? undefined
            : refuseForNow('The gateway cannot record calls at the moment. Try again later.'),
      }
    : undefined
