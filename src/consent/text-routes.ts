import { type Static, Type } from 'typebox'
import { recordAction } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { lockFor } from '#platform/database'
import type { HttpServer, Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import type { Platform } from '#platform/module'
import { builtInTexts, type LanguageOverlay } from './language-text.ts'
import { missingBlanks } from './missing-blanks.ts'
import type { Consenting } from './needs.ts'
import { ConsentLanguage, LanguageWords, Locale } from './schema.ts'
import { addOverlay, currentTexts, newestOverlays } from './text-store.ts'

const tags = ['Consents']
const ConsentLanguageList = listOf(ConsentLanguage)
const mostLanguages = 60

type Given = { consenting: Consenting; platform: Platform }

/** The words in which subscribers are asked. */
export function textRoutes(given: Given): Routes {
  return (server) => {
    listRoute(server, given)
    putRoute(server, given)
  }
}

function listRoute(server: HttpServer, { consenting }: Given): void {
  server.get(
    '/consent-languages',
    {
      config: { access: 'consent-text.read' },
      schema: {
        operationId: 'listConsentLanguages',
        summary: 'The languages in which subscribers can be asked, with all their words',
        tags,
        querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
        response: { 200: ConsentLanguageList },
      },
    },
    async ({ query }): Promise<Static<typeof ConsentLanguageList>> => {
      const languages = await presentLanguages(consenting)
      const from = offsetOf(query)
      return paginate(languages.slice(from, from + query.perPage), languages.length, query)
    },
  )
}

function putRoute(server: HttpServer, { consenting, platform }: Given): void {
  server.put(
    '/consent-languages/:locale',
    {
      config: { access: 'consent-text.change' },
      schema: {
        operationId: 'putConsentLanguage',
        summary: 'Set the operator’s own words in a language, or begin a language',
        description:
          'Replaces what the operator said in this language before. Questions that are open are shown in the new words, answers keep the words that were shown.',
        tags,
        params: Type.Object({ locale: Locale }),
        body: LanguageWords,
        response: { 200: ConsentLanguage },
      },
    },
    async ({ actor, params, body }): Promise<ConsentLanguage> => {
      const overlay = { locale: params.locale, ...body } as LanguageOverlay
      const faults = missingBlanks(overlay)
      if (faults.length > 0) throw invalidArgument(faults)
      await consenting.db.transaction().execute(async (trx) => {
        await lockFor(trx, 'consent texts')
        const known = await currentTexts(trx)
        if (!known.has(params.locale) && known.size >= mostLanguages)
          throw new AppError('CONFLICT', `There are ${mostLanguages} languages already.`)
        const madeBy = 'id' in actor ? actor.id : 'operator'
        const by = { source: 'operator', madeBy, madeAt: consenting.clock.now() } as const
        const { hash, changed } = await addOverlay(trx, overlay, by)
        if (changed)
          await recordAction(platform.outbox, trx, {
            actor,
            action: 'consent.text-changed',
            target: params.locale,
            detail: { hash },
          })
      })
      const changed = (await presentLanguages(consenting)).find(
        ({ locale }) => locale === params.locale,
      )
      if (changed === undefined) throw new AppError('NOT_FOUND', 'There is no such language.')
      return changed
    },
  )
}

async function presentLanguages({ db }: Consenting): Promise<ConsentLanguage[]> {
  const overlays = await newestOverlays(db)
  const texts = await currentTexts(db)
  return [...texts.values()]
    .toSorted((a, b) => (a.locale < b.locale ? -1 : 1))
    .map((text) => {
      const own = overlays.findLast(({ locale }) => locale === text.locale)
      return {
        locale: text.locale,
        builtIn: builtInTexts().has(text.locale),
        words: { ...text.words },
        purposes: { ...text.purposes },
        scopes: { ...text.scopes },
        ...(own && {
          own: { hash: own.hash, madeBy: own.madeBy, madeAt: own.madeAt.toISOString() },
        }),
      }
    })
}
