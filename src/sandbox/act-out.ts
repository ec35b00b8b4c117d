import type { Call } from './call.ts'
import type { Outcome } from './outcome.ts'
import type { Subscriber } from './subscriber.ts'

/**
 * Fails in the way that the subscriber's number stands for. A refusal that the called API does not document does not
 * happen there: the number then behaves like any other.
 */
export async function actOut(
  call: Call,
  subscriber: Subscriber | undefined,
  ordinary: () => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  const failure = subscriber?.failure
  switch (failure?.kind) {
    case undefined:
      return await ordinary()
    case 'silent':
      return 'silent'
    case 'malformed':
      return 'malformed'
    case 'slow': {
      const outcome = await ordinary()
      return typeof outcome === 'string' ? outcome : { ...outcome, delayMs: failure.delayMs }
    }
    case 'refusal':
      return (
        call.documented.refuse(failure.status, failure.codes, failure.message) ?? (await ordinary())
      )
  }
}
