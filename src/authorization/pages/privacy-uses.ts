import type { ConsentRecord } from '#consent'
import { filled, type Html, html, named } from './html.ts'
import type { Language } from './languages.ts'
import type { FormTokens, Page, PageHouse } from './page.ts'
import { wordsOf, writtenTime } from './words.ts'

/** Calls of one application that were answered about a subscriber, in words. */
export type ShownUse = {
  partnerId: string
  partnerName: string
  applicationId: string
  applicationName: string
  apiId: string
  /** the plain name of the API */
  api: string
  basis: string
  /** the DPV term, and how the notices call it; undefined where the token named none */
  purpose: { term: string; label: string } | undefined
  consentIds: readonly string[]
  calls: number
  /** the latest first */
  lastAt: readonly Date[]
}

/** What an application does for one purpose on one basis that is not consent. */
export type OtherUse = Pick<ShownUse, 'partnerName' | 'applicationName' | 'applicationId'> & {
  basis: string
  purpose: ShownUse['purpose']
  uses: readonly ShownUse[]
  /** whether its subscriber has objected already */
  objected: boolean
}

/** Uses that rest on something else than consent, one for each application, basis and purpose. */
export function otherUses(
  uses: readonly ShownUse[],
  records: readonly ConsentRecord[],
): OtherUse[] {
  const groups = Map.groupBy(
    uses.filter(({ basis }) => basis !== 'consent'),
    ({ applicationId, basis, purpose }) => `${applicationId} ${basis} ${purpose?.term ?? ''}`,
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const { partnerName, applicationName, applicationId, basis, purpose } = first
    const objected = records.some(
      (record) =>
        record.state === 'OBJECTED' &&
        record.applicationId === applicationId &&
        record.purpose === purpose?.term,
    )
    return [{ partnerName, applicationName, applicationId, basis, purpose, uses: group, objected }]
  })
}

/** Which API, how often, and when last; a line for each. */
export function linesOfUses(language: Language, uses: readonly ShownUse[]): Html {
  const words = wordsOf(language)
  return html`<ul>${uses.map(({ api, calls, lastAt: [last] }) => {
    const time =
      last !== undefined &&
      html`<time datetime="${last.toISOString()}">${writtenTime(language, last)}</time>`
    return html`<li>${api}: ${filled(words.privacyCalls, { count: calls, time })}</li>`
  })}</ul>`
}

export function otherUseCard(house: PageHouse, language: Language, use: OtherUse): Html {
  const words = wordsOf(language)
  const { purpose, basis, objected } = use
  const interest = basis === 'legitimate-interest'
  return html`<article class="card"><h3>${named(use.partnerName)}</h3>
<p class="soft">${named(use.applicationName)}</p>
<dl>${purpose !== undefined && html`<dt>${words.privacyWhatFor}</dt><dd>${purpose.label}</dd>`}
<dt>${words.privacyBasis}</dt><dd>${interest ? words.privacyInterest : words.privacyContract}</dd>
<dt>${words.privacyLastUsed}</dt><dd>${linesOfUses(language, use.uses)}</dd></dl>
${interest && purpose !== undefined && !objected && html`<div class="actions"><a class="button" href="${house.url}/privacy/object?${objectionQuery(use)}">${words.privacyObject}</a></div>`}
${objected && html`<p>${words.stateOBJECTED}</p>`}</article>`
}

const objectionQuery = ({ applicationId, purpose }: OtherUse): string =>
  String(new URLSearchParams({ application: applicationId, purpose: purpose?.term ?? '' }))

/** What the form of an objection is about. */
export const objectionThing = (applicationId: string, purpose: string): string =>
  `privacy-object\0${applicationId}\0${purpose}`

/** The last question before an objection; both ways on are alike. */
export function objectPage(
  house: PageHouse,
  language: Language,
  tokens: FormTokens,
  { partnerName, applicationName, applicationId, purpose }: OtherUse,
): Page {
  const words = wordsOf(language)
  const term = purpose?.term ?? ''
  const places = { partner: named(partnerName), operator: named(house.operatorName) }
  return {
    locale: language,
    title: words.privacyObjectTitle,
    body: html`<div class="card"><h1>${words.privacyObjectTitle}</h1>
<p><strong>${named(partnerName)}</strong>, ${named(applicationName)}: ${purpose?.label}</p>
<p>${filled(words.privacyObjectText, places)}</p>
<form method="post" action="${house.url}/privacy/object"><input type="hidden" name="form_token" value="${tokens(objectionThing(applicationId, term))}"><input type="hidden" name="application" value="${applicationId}"><input type="hidden" name="purpose" value="${term}">
<div class="answers"><button>${words.privacyObject}</button>
<a class="button" href="${house.url}/privacy">${words.privacyKeep}</a></div></form></div>`,
  }
}
