import { html, named } from './html.ts'
import type { Language } from './languages.ts'
import type { Page } from './page.ts'
import { wordsOf } from './words.ts'
import type { Words } from './words-en.ts'

/** A refusal that has no partner's page to go back to. `description` is for developers and may quote what was sent. */
export type PageFault = {
  status: number
  code: string
  description: string
  correlator: string
  retryAfterSeconds?: number
}

export function errorPage(language: Language, fault: PageFault): Page {
  const words = wordsOf(language)
  const { status, code, description, correlator, retryAfterSeconds } = fault
  const text =
    retryAfterSeconds === undefined
      ? words[explanationOf(status, code, description)]
      : words.errorBusy.replace('{seconds}', String(retryAfterSeconds))
  return {
    status,
    locale: language,
    title: words.errorTitle,
    ...(retryAfterSeconds === undefined
      ? {}
      : { headers: { 'retry-after': String(retryAfterSeconds) } }),
    body: html`<div class="card"><h1>${words.errorTitle}</h1><p>${text}</p>
<details><summary>${words.errorFor}</summary><p lang="en" dir="ltr"><code>${named(code)}</code>: ${named(description, 400)}</p></details>
<p class="small soft">${words.errorReference}: <code>${named(correlator, 256)}</code></p></div>`,
  }
}

function explanationOf(status: number, code: string, description: string): keyof Words {
  if (status >= 500) return 'errorOurs'
  if (/redirect[_ ]uri/i.test(description) || code === 'invalid_redirect_uri')
    return 'errorBadRedirect'
  if (code === 'invalid_client' || code === 'unauthorized_client') return 'errorBadClient'
  if (/expired|not found|interaction|session/i.test(`${code} ${description}`)) return 'errorExpired'
  return 'errorRequest'
}
