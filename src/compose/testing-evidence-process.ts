/**
 * A control process for tests, as fast as it can until it is killed: it counts segments, appends evidence, signs
 * checkpoints, erases subscribers and takes old contents away, by a clock of its own.
 */
import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAudit, createForgetting, fileSink, recordEvidence } from '#audit'
import { subjectOf } from '#consent'
import { createMetering, meteringEraser } from '#metering'
import type { WrittenSegment } from '#metering/testing'
import { AppError } from '#platform/app-error'
import type { Platform } from '#platform/module'
import { testDispatcher, testPlatform } from '#platform/testing'

/** What the parent gives, as JSON. @public */
export type EvidenceWork = {
  url: string
  folder: string
  skewMs: number
  segments: StoredSegment[]
}

/** A segment whose bytes are in a file. @public */
export type StoredSegment = Pick<WrittenSegment, 'claim' | 'file'>

/** Numbers of the sandbox, so few that processes meet. @public */
export const numbers = Array.from({ length: 8 }, (_, i) => `+9901234567${i}`)

/** Metering, evidence and erasure on one database. @public */
export function evidenceParts(platform: Platform, folder: string) {
  mkdirSync(folder, { recursive: true })
  const price = { priceId: 'prc', planId: 'p', apiId: '*', unit: '0', list: '0', currency: 'EUR' }
  return {
    metering: createMetering(platform, { contracts: { price: async () => price } }),
    audit: createAudit(platform, { sinks: [fileSink(path.join(folder, 'evidence'))] }),
    forgetting: createForgetting(
      { ...platform, config: { ...platform.config, evidenceDays: keep } },
      {
        pseudonymOf: (environment, number) => subjectOf(platform.sealing, environment, number),
        erasers: [meteringEraser],
      },
    ),
  }
}

/** The shortest that there is. */
const keep = { exchanges: 31, consents: 31, actions: 31 }

/** Somebody who may ask for an erasure. @public */
export const staff = (id: string) =>
  ({ kind: 'operator', id, name: id, role: 'administrator', via: 'session' }) as const

async function work({ url, folder, skewMs, segments }: EvidenceWork): Promise<void> {
  const forever = { after: () => undefined }
  const clock = { now: () => new Date(Date.now() + skewMs) }
  const platform = await testPlatform(forever, { url, clock })
  const { metering, audit, forgetting } = evidenceParts(platform, folder)
  testDispatcher(forever as never, platform, [audit.subscriber])
  const happened = async (): Promise<void> => {
    // Of some only: while something is on its way, its subscriber cannot be erased.
    const number = numbers[randomInt(numbers.length / 2)] ?? ''
    const pseudonym = subjectOf(platform.sealing, 'sandbox', number)
    await platform.database
      .as()
      .transaction()
      .execute((trx) =>
        recordEvidence(platform.outbox, trx, {
          ...{ kind: 'consent', id: platform.newId('event'), at: clock.now() },
          record: { state: 'GRANTED' },
          about: { subject: { environment: 'sandbox', pseudonym }, personal: { pseudonym } },
        }),
      )
  }
  const erase = async (): Promise<void> => {
    const phoneNumber = numbers[randomInt(numbers.length)] ?? ''
    const { id } = await forgetting.ask(staff('stf_1'), { phoneNumber, reason: 'a letter' })
    // Refused while something about the subscriber is on its way.
    await forgetting.confirm(staff('stf_2'), id).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error
    })
  }
  const ever = async (turn: () => Promise<unknown>): Promise<never> => {
    for (;;) await turn().catch((error: unknown) => process.send?.({ failed: String(error) }))
  }
  process.send?.({ ready: true })
  void ever(async () => {
    for (const { claim, file } of segments) {
      await metering.intake('sandbox', claim, readFileSync(file))
      process.send?.({ counted: claim.sequence })
    }
  })
  void ever(happened)
  void ever(erase)
  void ever(() => audit.checkpoint({ now: true }))
  await ever(() => forgetting.forgetOldEvidence())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.on('disconnect', () => process.exit(0))
  await work(JSON.parse(process.argv[2] ?? '') as EvidenceWork)
}
