import { type Environment, environments } from '#platform/config'
import type { OutboxEvent } from '#platform/outbox'

/** @throws for an event that names none: it was written wrongly, and is tried again until that is mended */
export function environmentOf(event: OutboxEvent): Environment {
  const { payload } = event
  if (typeof payload === 'object' && payload !== null && 'environment' in payload) {
    const found = environments.find((environment) => environment === payload.environment)
    if (found !== undefined) return found
  }
  throw new Error(`the event ${event.type} ${event.id} names no environment`)
}
