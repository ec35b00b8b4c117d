import { filled, type Html, html, named } from './html.ts'
import type { Language } from './languages.ts'
import type { Page, PageHouse } from './page.ts'
import { wordsOf } from './words.ts'

/** Used, too old, incomplete or never there: one page, so that nobody learns by links which ones exist. */
export function gonePage(language: Language): Page {
  const words = wordsOf(language)
  return simple(language, 404, words.goneTitle, words.goneText)
}

/** The same for those who came from an application, which has to hear that there will be no answer. */
export function returningPage(
  language: Language,
  { applicationName, returnTo }: { applicationName: string; returnTo: string },
): Page {
  const words = wordsOf(language)
  return {
    locale: language,
    title: words.goneTitle,
    body: html`<div class="card"><h1>${words.goneTitle}</h1><p>${words.goneText}</p>
${wayOn(language, applicationName, returnTo)}</div>`,
    refresh: { url: returnTo, afterSeconds: 0 },
  }
}

const wayOn = (language: Language, applicationName: string, returnTo: string): Html => {
  const words = wordsOf(language)
  return html`<p>${filled(words.goingOn, { application: named(applicationName) })}</p>
<p><a class="button" href="${returnTo}">${words.goOn}</a></p>`
}

/** An answer that did not come from a page of ours in this browser. */
export function otherBrowserPage(language: Language): Page {
  const words = wordsOf(language)
  return simple(
    language,
    403,
    words.otherBrowserTitle,
    `${words.otherBrowserText} ${words.cookiesNeeded}`,
  )
}

/** A page that was loaded in the background or into another page. */
export function notEmbeddedPage(language: Language, here: string): Page {
  const words = wordsOf(language)
  return {
    status: 403,
    locale: language,
    title: words.notEmbeddedTitle,
    body: html`<div class="card"><h1>${words.notEmbeddedTitle}</h1><p>${words.notEmbeddedText}</p>
<p><a href="${here}" target="_blank" rel="noopener">${words.openHere}</a></p></div>`,
  }
}

export function missingAnswerPage(language: Language): Page {
  const words = wordsOf(language)
  return simple(language, 400, words.missingAnswerTitle, words.missingAnswerText)
}

export function answeredPage(house: PageHouse, language: Language): Page {
  const words = wordsOf(language)
  return {
    locale: language,
    title: words.answeredTitle,
    body: html`<div class="card"><h1>${words.answeredTitle}</h1>
<p>${filled(words.answeredText, { privacy: privacyLink(house, language) })}</p><p>${words.closePage}</p></div>`,
  }
}

/** What was decided, with the way on for those who came from an application. */
export function decidedPage(
  house: PageHouse,
  language: Language,
  decided: {
    answer: 'allow' | 'refuse'
    partnerName: string
    applicationName: string
    returnTo?: string | undefined
  },
): Page {
  const words = wordsOf(language)
  const { answer, partnerName, applicationName, returnTo } = decided
  const title = answer === 'allow' ? words.allowedTitle : words.refusedTitle
  const text = filled(answer === 'allow' ? words.allowedText : words.refusedText, {
    partner: named(partnerName),
    privacy: privacyLink(house, language),
  })
  const on =
    returnTo === undefined
      ? html`<p>${words.closePage}</p>`
      : wayOn(language, applicationName, returnTo)
  const page = {
    locale: language,
    title,
    body: html`<div class="card"><h1>${title}</h1><p>${text}</p>${on}</div>`,
  }
  return returnTo === undefined ? page : { ...page, refresh: { url: returnTo, afterSeconds: 0 } }
}

const privacyLink = (house: PageHouse, language: Language) =>
  html`<a href="${house.url}/privacy">${wordsOf(language).privacyPage}</a>`

const simple = (language: Language, status: number, title: string, text: string): Page => ({
  status,
  locale: language,
  title,
  body: html`<div class="card"><h1>${title}</h1><p>${text}</p></div>`,
})
