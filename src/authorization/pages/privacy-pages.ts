import type { ConsentRecord } from '#consent'
import { filled, type Html, html, named } from './html.ts'
import { type Language, languages } from './languages.ts'
import type { Page, PageHouse } from './page.ts'
import { wordsOf, writtenTime } from './words.ts'

/** The hidden field that ties a form to the browser that got it. */
export type FormTokens = (thing: string) => string

/** One record, with what it is about in the words of the notice. */
export type ShownConsent = {
  record: ConsentRecord
  purpose: string
  scopes: readonly string[]
  history: readonly { at: Date; state: ConsentRecord['state'] }[]
}

const hidden = (token: string): Html =>
  html`<input type="hidden" name="form_token" value="${token}">`

export function signInPage(
  house: PageHouse,
  language: Language,
  tokens: FormTokens,
  fault?: 'number' | 'ended' | 'signed-out',
  typed = '',
): Page {
  const words = wordsOf(language)
  const example = house.environment === 'sandbox' ? '+99010000001' : '+44 7700 900123'
  const told =
    fault === 'number'
      ? html`<p id="fault" class="bad" role="alert">${words.privacyBadNumber}</p>`
      : fault !== undefined &&
        html`<p role="status">${fault === 'ended' ? words.privacyEnded : words.privacySignedOutTitle}</p>`
  return {
    ...(fault === 'number' ? { status: 400 } : {}),
    locale: language,
    title: words.privacyTitle,
    body: html`<div class="card"><h1>${words.privacyTitle}</h1>
<p>${filled(words.privacyLead, { operator: named(house.operatorName) })}</p>${told}
<form method="post" action="${house.url}/privacy/code">${hidden(tokens('privacy-number'))}
<label for="number">${words.privacyNumber}</label>
<input id="number" name="number" value="${typed}" type="tel" inputmode="tel" autocomplete="tel" dir="ltr" required maxlength="32" aria-describedby="hint${fault === 'number' && ' fault'}"${fault === 'number' && html` aria-invalid="true"`}>
<p id="hint" class="small soft">${filled(words.privacyNumberHint, { example: html`<span class="number">${example}</span>` })}</p>
<div class="actions"><button>${words.privacySend}</button></div></form></div>
<footer>${languageLinks(language, `${house.url}/privacy`)}</footer>`,
  }
}

export function codePage(
  house: PageHouse,
  language: Language,
  tokens: FormTokens,
  claim: { maskedNumber: string },
  wrong: boolean,
): Page {
  const words = wordsOf(language)
  return {
    ...(wrong ? { status: 400 } : {}),
    locale: language,
    title: words.privacyCodeTitle,
    body: html`<div class="card"><h1>${words.privacyCodeTitle}</h1>
<p>${filled(words.privacyCodeLead, { number: html`<span class="number">${claim.maskedNumber}</span>` })}</p>
${wrong && html`<p id="fault" class="bad" role="alert">${words.privacyWrongCode}</p>`}
<form method="post" action="${house.url}/privacy/session" autocomplete="off">${hidden(tokens('privacy-code'))}
<label for="code">${words.privacyCode}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6" dir="ltr" required${wrong && html` aria-invalid="true" aria-describedby="fault"`}>
<div class="actions"><button>${words.privacyCheck}</button></div></form>
<p><a href="${house.url}/privacy">${words.privacyAnotherCode}</a></p></div>`,
  }
}

export function listPage(
  house: PageHouse,
  language: Language,
  tokens: FormTokens,
  shown: {
    maskedNumber: string
    consents: readonly ShownConsent[]
    done?: ConsentRecord | undefined
  },
): Page {
  const words = wordsOf(language)
  const { consents, done } = shown
  const live = consents.filter(({ record }) => isInForce(record))
  const past = consents.filter(({ record }) => !isInForce(record))
  const group = (title: string, some: readonly ShownConsent[]) =>
    some.length > 0 &&
    html`<h2>${title}</h2>${some.map((one) => consentCard(house, language, one))}`
  return {
    locale: language,
    title: words.privacyListTitle,
    body: html`<h1>${words.privacyListTitle}</h1>
<p>${filled(words.privacyFor, { number: html`<span class="number">${shown.maskedNumber}</span>` })}</p>
${done !== undefined && html`<p class="card good" role="status">${filled(done.state === 'OBJECTED' ? words.privacyObjectedDone : words.privacyWithdrawnDone, { time: writtenTime(language, done.changedAt) })}</p>`}
${consents.length === 0 && html`<div class="card">${words.privacyNone}</div>`}
${group(words.privacyLive, live)}${group(words.privacyPast, past)}
<div class="actions"><a class="button" href="${house.url}/privacy/records">${words.privacyDownload}</a>
<form method="post" action="${house.url}/privacy/sign-out">${hidden(tokens('privacy-leave'))}<button>${words.privacySignOut}</button></form></div>
<footer>${languageLinks(language, `${house.url}/privacy`)}</footer>`,
  }
}

const isInForce = ({ state, basis }: ConsentRecord): boolean =>
  state === 'GRANTED' || (basis === 'legitimate-interest' && state !== 'OBJECTED')

function consentCard(house: PageHouse, language: Language, one: ShownConsent): Html {
  const words = wordsOf(language)
  const { record, purpose, scopes, history } = one
  const time = (moment: Date | undefined): Html | false =>
    moment !== undefined &&
    html`<time datetime="${moment.toISOString()}">${writtenTime(language, moment)}</time>`
  const row = (term: string, text: Html | string | false) =>
    text !== false && html`<dt>${term}</dt><dd>${text}</dd>`
  const ending =
    record.basis === 'legitimate-interest' ? words.privacyObject : words.privacyWithdraw
  return html`<article class="card" id="${record.id}"><h3>${named(record.partnerName)}</h3>
<p class="soft">${named(record.applicationName)}</p>
<dl>${row(words.privacyWhatFor, purpose)}
${row(words.privacyWhat, html`<ul>${scopes.map((scope) => html`<li>${scope}</li>`)}</ul>`)}
${row(words.privacyState, stateOf(record, words))}
${row(words.privacySince, time(record.grantedAt ?? record.createdAt))}
${row(words.privacyUntilLabel, time(untilOf(record)))}
${row(words.privacyLastUsed, record.grantedAt !== undefined && (time(record.lastUsedAt) || words.privacyNeverUsed))}</dl>
${history.length > 0 && html`<details><summary>${words.privacyHistory}</summary><ol>${history.map(({ at, state }) => html`<li>${time(at)}: ${words[`state${state}`]}</li>`)}</ol></details>`}
${isInForce(record) && html`<div class="actions"><a class="button" href="${house.url}/privacy/end?id=${record.id}">${ending}</a></div>`}</article>`
}

/** When it ends, or ended; what was never given has no end. */
const untilOf = (record: ConsentRecord): Date | undefined => {
  if (record.grantedAt === undefined) return undefined
  return isInForce(record) ? record.expiresAt : record.changedAt
}

const stateOf = (record: ConsentRecord, words: ReturnType<typeof wordsOf>): string =>
  record.basis === 'legitimate-interest' && record.state !== 'OBJECTED'
    ? words.privacyInterest
    : words[`state${record.state}`]

/** The last question before something ends; both ways on are alike. */
export function endPage(
  house: PageHouse,
  language: Language,
  tokens: FormTokens,
  one: ShownConsent,
): Page {
  const words = wordsOf(language)
  const { record, purpose } = one
  const objecting = record.basis === 'legitimate-interest'
  const title = objecting ? words.privacyObjectTitle : words.privacyWithdrawTitle
  const places = { partner: named(record.partnerName), operator: named(house.operatorName) }
  return {
    locale: language,
    title,
    body: html`<div class="card"><h1>${title}</h1>
<p><strong>${named(record.partnerName)}</strong>, ${named(record.applicationName)}: ${purpose}</p>
<p>${filled(objecting ? words.privacyObjectText : words.privacyWithdrawText, places)}</p>
<form method="post" action="${house.url}/privacy/end">${hidden(tokens(`privacy-end\0${record.id}`))}<input type="hidden" name="id" value="${record.id}">
<div class="answers"><button>${objecting ? words.privacyObject : words.privacyWithdraw}</button>
<a class="button" href="${house.url}/privacy">${words.privacyKeep}</a></div></form></div>`,
  }
}

const ownNames: Record<Language, string> = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
}

function languageLinks(current: Language, url: string): Html {
  const others = languages.filter((language) => language !== current)
  return html`<nav aria-label="${wordsOf(current).language}">${others.map(
    (language) =>
      html` <a href="${url}?locale=${language}" lang="${language}" hreflang="${language}">${ownNames[language]}</a>`,
  )}</nav>`
}
