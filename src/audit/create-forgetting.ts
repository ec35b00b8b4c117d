import type { Environment } from '#platform/config'
import type { Eraser } from '#platform/eraser'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import {
  askErasure,
  confirmErasure,
  type Erasing,
  type ErasingActor,
  expireErasures,
} from './erase-subscriber.ts'
import { createErasureRoutes } from './erasure-routes.ts'
import { forgetOldEvidence } from './retention.ts'
import type { AuditTables } from './tables.ts'

/** What goes: subscribers who asked for it, and contents that are old. @public */
export interface Forgetting {
  routes: Routes
  /** The first of two people asks that a subscriber is erased. */
  ask(actor: ErasingActor, asked: { phoneNumber: string; reason: string }): Promise<{ id: string }>
  /** The second one confirms, and it is done. @returns how many rows of each table were erased */
  confirm(actor: ErasingActor, id: string): Promise<Readonly<Record<string, number>>>
  /** Every minute: erasures that nobody confirmed in time. @returns how many */
  expireErasures(): Promise<number>
  /** Every hour: contents of evidence past their period. @returns how many records went */
  forgetOldEvidence(): Promise<number>
}

/**
 * @param options.erasers how each module forgets a subscriber
 * @public
 */
export function createForgetting(
  platform: Platform,
  options: {
    pseudonymOf: (environment: Environment, phoneNumber: string) => string
    erasers: readonly Eraser[]
  },
): Forgetting {
  const db = platform.database.as<AuditTables>()
  const { clock, sealing, outbox, newId, config } = platform
  const erasing: Erasing = { ...options, db, clock, sealing, outbox, newId }
  return {
    routes: createErasureRoutes(erasing),
    ask: (actor, asked) => askErasure(erasing, actor, asked),
    confirm: async (actor, id) => (await confirmErasure(erasing, actor, id)).erased ?? {},
    expireErasures: () => expireErasures(erasing),
    forgetOldEvidence: () => forgetOldEvidence(db, clock, config.evidenceDays),
  }
}
