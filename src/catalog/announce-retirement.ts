import type { Transaction } from 'kysely'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Platform } from '#platform/module'
import type { Outbox, OutboxEvent, Subscriber } from '#platform/outbox'
import type { Retirement } from './entry.ts'
import {
  isSameRetirement,
  type RetirementRow,
  toRetirement,
  toRetirementRow,
} from './retirement.ts'
import { findApi, type VersionRow } from './store.ts'
import type { CatalogTables } from './tables.ts'

/** Whom the catalog asks to tell partners. @public */
export type CatalogNeeds = {
  /** the partners that called a version since then */
  usersOf(apiId: string, since: Date): Promise<readonly string[]>
  /** Orders a mail to each member of a partner, in the transaction of the reaction. */
  mailMembers(
    trx: Transaction<unknown>,
    partnerId: string,
    message: { subject: string; text: string },
    cause: OutboxEvent,
  ): Promise<void>
}

const eventType = 'api.retirement-announced'
const Announcement = Type.Object({
  apiId: Type.String(),
  retirement: Type.Object({
    deprecatedAt: Type.Optional(Type.String()),
    sunsetAt: Type.Optional(Type.String()),
    successor: Type.Optional(Type.String()),
  }),
})

/** Partners that called a version within these days hear of its end. */
const usedWithinDays = 90

export async function announceRetirement(
  outbox: Outbox,
  trx: Transaction<CatalogTables>,
  apiId: string,
  row: RetirementRow,
): Promise<void> {
  const payload = { apiId, retirement: toRetirement(row) ?? {} }
  await outbox.emit(trx, { type: eventType, key: apiId, payload })
}

/** Mails what was announced to those whom it concerns; what was replaced meanwhile is told by its own event. */
export function createAnnouncer(platform: Platform, needs: CatalogNeeds): Subscriber {
  return {
    name: 'catalog',
    types: [eventType],
    async handle(trx, event) {
      const { apiId, retirement } = Value.Parse(Announcement, event.payload)
      const api = await findApi(trx as unknown as Transaction<CatalogTables>, apiId)
      if (api === undefined || !isSameRetirement(api, toRetirementRow(retirement))) return
      const since = new Date(event.occurredAt.getTime() - usedWithinDays * 86_400_000)
      const message = noticeOf(api, retirement, platform.config.portal.url)
      for (const partnerId of await needs.usersOf(apiId, since))
        await needs.mailMembers(trx, partnerId, message, event)
    },
  }
}

function noticeOf(
  { id, title, lifecycle }: VersionRow,
  { deprecatedAt, sunsetAt, successor }: Retirement,
  portal: string,
): { subject: string; text: string } {
  const page = `${portal}/apis/${id}`
  const used = `Your organisation called ${title} (${id}) in the last ${usedWithinDays} days.`
  const ends = sunsetAt === undefined ? '' : instantOf(sunsetAt)
  if (lifecycle === 'retired')
    return {
      subject: `${id} no longer answers`,
      text: `${used}\nThis version was retired: every call is answered with 410 GONE since ${ends}.\n\n${nextOf(successor, portal)}`,
    }
  if (deprecatedAt === undefined && sunsetAt === undefined)
    return {
      subject: `${id} stays`,
      text: `${used}\nIts end was taken back: this version is no longer deprecated, and goes on to answer.\n\nAbout this version: ${page}`,
    }
  const facts = [
    ...(deprecatedAt === undefined ? [] : [`is deprecated from ${instantOf(deprecatedAt)} on`]),
    ...(sunsetAt === undefined
      ? []
      : [`stops to answer at ${ends}: from then on every call gets 410 GONE`]),
  ]
  return {
    subject:
      sunsetAt === undefined ? `${id} is deprecated` : `${id} ends on ${sunsetAt.slice(0, 10)}`,
    text: `${used}\nThis version ${facts.join(', and ')}.\n\n${nextOf(successor, portal)}About this version: ${page}\n\nEach answer of this version says the same in the fields Deprecation, Sunset and Link.`,
  }
}

const nextOf = (successor: string | undefined, portal: string): string =>
  successor === undefined ? '' : `Move to ${successor}: ${portal}/apis/${successor}\n`

/** To the minute, in UTC: a reader's own zone is not known. */
const instantOf = (text: string): string => `${text.slice(0, 16).replace('T', ' ')} UTC`
