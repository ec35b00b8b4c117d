import type { CaptureView, Notice } from '#consent'
import { filled, type Html, html, mixesAlphabets, named } from './html.ts'
import { type Language, languageOf, ownNameOf } from './languages.ts'
import type { Page, PageHouse } from './page.ts'
import { wordsOf } from './words.ts'

/** How the form of a consent page comes back. */
export type ConsentForm = { action: string; fields: Readonly<Record<string, string>> }

/**
 * The question to a subscriber. The words that count are the notice that the consent module made and keeps: they stand
 * here unchanged. Both answers are one kind of button, of one size, and none is chosen beforehand.
 */
export function consentPage(
  house: PageHouse,
  view: Pick<CaptureView, 'notice' | 'application' | 'partner' | 'locales'>,
  form: ConsentForm,
  options: { maskedNumber?: string | undefined; languageLink: (locale: string) => string },
): Page {
  const { notice, partner } = view
  const language = languageOf([notice.locale])
  const words = wordsOf(language)
  const own = ownWords(language, notice.locale)
  const operator = named(house.operatorName)
  const mixed = mixesAlphabets(partner.name) || mixesAlphabets(view.application.name)
  const privacy = html`<a href="${house.url}/privacy">${words.privacyTitle}</a>`
  const body = html`<div class="card"><h1>${plain(notice.title)}</h1>
<p>${plain(notice.who)}</p>
<dl><dt${own}>${words.consentPartner}</dt><dd><strong>${named(partner.name)}</strong></dd>
<dt${own}>${words.consentApplication}</dt><dd>${named(view.application.name)}</dd>
${options.maskedNumber !== undefined && html`<dt${own}>${words.consentNumber}</dt><dd><span class="number">${options.maskedNumber}</span></dd>`}</dl>
<p class="small ${mixed ? 'warn' : 'soft'}"${own}>${house.environment === 'production' ? filled(words.consentVerified, { operator, partner: named(partner.name) }) : words.consentSandbox}${mixed && html` ${words.consentMixedName}`}</p>
${explained(notice, words, own)}
<p class="small"${own}>${filled(words.consentRefusing, { operator, partner: named(partner.name) })}</p>
${answers(notice, form)}</div>
<footer>${languagesOf(view.locales, notice.locale, words.language, options.languageLink)}<p>${privacy}</p></footer>`
  return { locale: notice.locale, title: plain(notice.title), body }
}

function explained(notice: Notice, words: ReturnType<typeof wordsOf>, own: Html | false): Html {
  return html`<h2${own}>${words.consentWhat}</h2>
<ul>${notice.what.map(({ label }) => html`<li dir="auto">${plain(label)}</li>`)}</ul>
<h2${own}>${words.consentWhy}</h2>
<p dir="auto"><strong>${plain(notice.why.label)}</strong><br>${plain(notice.why.explanation)}</p>
<h2${own}>${words.consentHowLong}</h2>
<p dir="auto">${plain(notice.howLong)}</p>
<h2${own}>${words.consentWithdraw}</h2>
<p dir="auto">${plain(notice.withdrawal)}</p>`
}

/** An operator may ask in a language that these pages are not written in: what is said in another one is marked as such. */
const ownWords = (language: Language, noticeLocale: string): Html | false =>
  noticeLocale.split('-', 1)[0] !== language && html` lang="${language}" dir="auto"`

function answers(notice: Notice, { action, fields }: ConsentForm): Html {
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
  return html`<form method="post" action="${action}" autocomplete="off">${hidden}
<div class="answers"><button name="answer" value="refuse">${plain(notice.refuse)}</button>
<button name="answer" value="allow">${plain(notice.allow)}</button></div></form>`
}

function languagesOf(
  locales: readonly string[],
  current: string,
  label: string,
  link: (locale: string) => string,
): Html | false {
  const others = locales.filter((locale) => locale !== current)
  if (others.length === 0) return false
  const links = others.map(
    (locale) =>
      html` <a href="${link(locale)}" lang="${locale}" hreflang="${locale}">${ownNameOf(locale)}</a>`,
  )
  return html`<nav aria-label="${label}">${links}</nav>`
}

// Marks that turn the direction of what follows have no place in a sentence; the notice holds names of others.
const turning = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]|\p{Cc}/gu

const plain = (text: string): string => text.replace(turning, ' ')
