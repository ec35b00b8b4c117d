import type { ConsentRecord } from '#consent'
import { filled, type Html, html, named } from './html.ts'
import { type Language, languages, ownNameOf } from './languages.ts'
import type { FormTokens, Page, PageHouse } from './page.ts'
import { linesOfUses, type OtherUse, otherUseCard, type ShownUse } from './privacy-uses.ts'
import { wordsOf, writtenTime } from './words.ts'

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
<input id="number" name="number" value="${typed}" type="tel" inputmode="tel" autocomplete="tel" dir="ltr" required maxlength="32" aria-describedby="hint${fault === 'number' && ' fault'}"${fault === 'number' && html` aria-invalid="true" autofocus`}>
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
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6" dir="ltr" required autofocus${wrong && html` aria-invalid="true" aria-describedby="fault"`}>
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
    /** calls that rest on these consents */
    uses: readonly ShownUse[]
    others: readonly OtherUse[]
    done?: ConsentRecord | undefined
  },
): Page {
  const words = wordsOf(language)
  const { consents, uses, others, done } = shown
  const live = consents.filter(({ record }) => isInForce(record))
  const past = consents.filter(({ record }) => !isInForce(record))
  const group = (title: string, some: readonly ShownConsent[]) =>
    some.length > 0 &&
    html`<h2>${title}</h2>${some.map((one) => consentCard(house, language, one, uses))}`
  return {
    locale: language,
    title: words.privacyListTitle,
    body: html`<h1>${words.privacyListTitle}</h1>
<p>${filled(words.privacyFor, { number: html`<span class="number">${shown.maskedNumber}</span>` })}</p>
${done !== undefined && html`<p class="card good" role="status">${filled(done.state === 'OBJECTED' ? words.privacyObjectedDone : words.privacyWithdrawnDone, { time: writtenTime(language, done.changedAt) })}</p>`}
${consents.length + others.length === 0 && html`<div class="card">${words.privacyNone}</div>`}
${group(words.privacyLive, live)}${others.length > 0 && html`<h2>${words.privacyUses}</h2>${others.map((one) => otherUseCard(house, language, one))}`}${group(words.privacyPast, past)}
<div class="actions"><a class="button" href="${house.url}/privacy/records">${words.privacyDownload}</a>
<form method="post" action="${house.url}/privacy/sign-out">${hidden(tokens('privacy-leave'))}<button>${words.privacySignOut}</button></form></div>
<footer>${languageLinks(language, `${house.url}/privacy`)}</footer>`,
  }
}

const isInForce = ({ state }: ConsentRecord): boolean => state === 'GRANTED' || state === 'OBJECTED'

function consentCard(
  house: PageHouse,
  language: Language,
  one: ShownConsent,
  uses: readonly ShownUse[],
): Html {
  const words = wordsOf(language)
  const { record, purpose, scopes, history } = one
  const time = (moment: Date | undefined): Html | false =>
    moment !== undefined &&
    html`<time datetime="${moment.toISOString()}">${writtenTime(language, moment)}</time>`
  const row = (term: string, text: Html | string | false) =>
    text !== false && html`<dt>${term}</dt><dd>${text}</dd>`
  const ending = record.state === 'OBJECTED' ? words.privacyLift : words.privacyWithdraw
  const own = uses.filter(({ consentIds }) => consentIds.includes(record.id))
  const lastUsed = own.length > 0 ? linesOfUses(language, own) : time(record.lastUsedAt)
  return html`<article class="card" id="${record.id}"><h3>${named(record.partnerName)}</h3>
<p class="soft">${named(record.applicationName)}</p>
<dl>${row(words.privacyWhatFor, purpose)}
${row(words.privacyWhat, html`<ul>${scopes.map((scope) => html`<li>${scope}</li>`)}</ul>`)}
${row(words.privacyState, words[`state${record.state}`])}
${row(words.privacySince, time(record.grantedAt ?? record.createdAt))}
${row(words.privacyUntilLabel, time(untilOf(record)))}
${row(words.privacyLastUsed, record.grantedAt !== undefined && (lastUsed || words.privacyNeverUsed))}</dl>
${history.length > 0 && html`<details><summary>${words.privacyHistory}</summary><ol>${history.map(({ at, state }) => html`<li>${time(at)}: ${words[`state${state}`]}</li>`)}</ol></details>`}
${isInForce(record) && html`<div class="actions"><a class="button" href="${house.url}/privacy/end?id=${record.id}">${ending}</a></div>`}</article>`
}

/** When it ends, or ended; what was never given has no end. */
const untilOf = (record: ConsentRecord): Date | undefined => {
  if (record.grantedAt === undefined) return undefined
  return isInForce(record) ? record.expiresAt : record.changedAt
}

/** The last question before something ends; both ways on are alike. */
export function endPage(
  house: PageHouse,
  language: Language,
  tokens: FormTokens,
  one: ShownConsent,
): Page {
  const words = wordsOf(language)
  const { record, purpose } = one
  const lifting = record.state === 'OBJECTED'
  const title = lifting ? words.privacyLiftTitle : words.privacyWithdrawTitle
  const places = { partner: named(record.partnerName), operator: named(house.operatorName) }
  return {
    locale: language,
    title,
    body: html`<div class="card"><h1>${title}</h1>
<p><strong>${named(record.partnerName)}</strong>, ${named(record.applicationName)}: ${purpose}</p>
<p>${filled(lifting ? words.privacyLiftText : words.privacyWithdrawText, places)}</p>
<form method="post" action="${house.url}/privacy/end">${hidden(tokens(`privacy-end\0${record.id}`))}<input type="hidden" name="id" value="${record.id}">
<div class="answers"><button>${lifting ? words.privacyLift : words.privacyWithdraw}</button>
<a class="button" href="${house.url}/privacy">${words.privacyKeep}</a></div></form></div>`,
  }
}

function languageLinks(current: Language, url: string): Html {
  const others = languages.filter((language) => language !== current)
  return html`<nav aria-label="${wordsOf(current).language}">${others.map(
    (language) =>
      html` <a href="${url}?locale=${language}" lang="${language}" hreflang="${language}">${ownNameOf(language)}</a>`,
  )}</nav>`
}
