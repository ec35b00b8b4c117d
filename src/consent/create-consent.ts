import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { endIfStalled, lockFor } from '#platform/database'
import type { Routes } from '#platform/http-server'
import type { InternalHandler } from '#platform/internal-server'
import type { Platform } from '#platform/module'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { consentInfoHandlers } from './consent-info-handler.ts'
import { consentRoutes } from './consent-routes.ts'
import { consentingOf, createConsentDirectory } from './create-directory.ts'
import { endConsentsOf, expireDue } from './end-consent.ts'
import type { ConsentDirectory } from './face.ts'
import type { LanguageOverlay } from './language-text.ts'
import { missingBlanks } from './missing-blanks.ts'
import type { Consenting, ConsentNeeds, Trx } from './needs.ts'
import type { ConsentInfoNeeds } from './retrieve-status.ts'
import { LanguageWords, Locale } from './schema.ts'
import { noteUses } from './store.ts'
import { textRoutes } from './text-routes.ts'
import { addOverlay } from './text-store.ts'

/** What the control process runs of consent. @public */
export interface Consent extends ConsentDirectory {
  routes: Routes
  subscribers: readonly Subscriber[]
  /** consent-info, as gateways call it */
  internalHandlers: Readonly<Record<string, InternalHandler>>
  /** Once at the start: the operator's files of words. */
  loadTexts(folder: string): Promise<void>
  /** Every few seconds. @returns how many consents and questions ended */
  expireDue(): Promise<number>
}

/** @public */
export function createConsent(
  platform: Platform,
  needs: ConsentNeeds & { info: ConsentInfoNeeds },
): Consent {
  const { info, ...own } = needs
  const consenting = consentingOf(platform, own)
  return {
    ...createConsentDirectory(platform, own),
    async routes(server) {
      await consentRoutes({ consenting, platform })(server)
      await textRoutes({ consenting, platform })(server)
    },
    subscribers: [
      {
        name: 'consent',
        types: ['application.changed'],
        handle: (trx, event) => followApplication(consenting, trx as unknown as Trx, event),
      },
      {
        name: 'consent-uses',
        types: ['consents.used'],
        handle: (trx, event) => followUses(trx as unknown as Trx, event),
      },
    ],
    internalHandlers: consentInfoHandlers(consenting, info, platform.sealing),
    loadTexts: (folder) => loadTexts(consenting, folder),
    expireDue: () => expireDue(consenting),
  }
}

const ApplicationEvent = Type.Object({ applicationId: Type.String() })

/** Reads what is true now, so that an event told twice or late does no harm. */
async function followApplication(
  consenting: Consenting,
  trx: Trx,
  event: OutboxEvent,
): Promise<void> {
  const { applicationId } = Value.Parse(ApplicationEvent, event.payload)
  if ((await consenting.partners.getApplication(applicationId)) !== undefined) return
  await endIfStalled(trx)
  await endConsentsOf(consenting, trx, applicationId)
}

const UsesEvent = Type.Object({
  environment: Type.Enum(['production', 'sandbox']),
  uses: Type.Record(Type.String(), Type.Number()),
})

/** What the journals of gateways say: the calls that were answered on a consent. */
async function followUses(trx: Trx, event: OutboxEvent): Promise<void> {
  const { environment, uses } = Value.Parse(UsesEvent, event.payload)
  await endIfStalled(trx)
  await noteUses(trx, environment, uses)
}

/** `pt.yaml`, `de.yaml`: what a file says goes over the product's words, and under what was said in the console. */
async function loadTexts(consenting: Consenting, folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((one) => /\.ya?ml$/.test(one)).toSorted()) {
    const file = path.join(folder, name)
    try {
      const { locale, ...words } = parse(await readFile(file, 'utf8')) as Record<string, unknown>
      const given = locale ?? path.parse(name).name
      if (!Value.Check(Locale, given)) throw new Error('its locale must be one such as pt or pt-BR')
      const [first] = Value.Errors(LanguageWords, words)
      if (first !== undefined) throw new Error(`${first.instancePath} ${first.message}`)
      const overlay = { locale: given, ...words } as LanguageOverlay
      const [missing] = missingBlanks(overlay)
      if (missing !== undefined) throw new Error(`${missing.path} ${missing.message}`)
      await consenting.db.transaction().execute(async (trx) => {
        await lockFor(trx, 'consent texts')
        const madeAt = consenting.clock.now()
        await addOverlay(trx, overlay, { source: 'file', madeBy: name, madeAt })
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      consenting.log.error({ file, reason }, 'words of consent were not loaded')
    }
  }
}
