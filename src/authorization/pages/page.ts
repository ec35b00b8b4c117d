import type { ServerResponse } from 'node:http'
import { Html, html } from './html.ts'
import { directionOf } from './languages.ts'
import { style, styleSource } from './style.ts'

/** What a page of a subscriber is: everything but the frame that all of them share. */
export type Page = {
  status?: number
  locale: string
  title: string
  body: Html
  /** where the browser goes on to by itself, after how many seconds */
  refresh?: { url: string; afterSeconds: number }
  /** of pages for developers only; taken by its hash */
  script?: { text: Html; source: string }
  headers?: Readonly<Record<string, string | readonly string[]>>
}

/** The hidden field that ties a form to the browser that got it. */
export type FormTokens = (thing: string) => string

/** Whose pages these are. */
export type PageHouse = { operatorName: string; environment: 'sandbox' | 'production'; url: string }

/** The document: one file with its style, without script, that nobody can frame, keep or read the address of. */
export function documentOf(house: PageHouse, page: Page): string {
  const { locale, title, body, refresh, script } = page
  const go =
    refresh === undefined
      ? undefined
      : html`<meta http-equiv="refresh" content="${refresh.afterSeconds};url=${refresh.url}">`
  return String(html`<!doctype html>
<html lang="${locale}" dir="${directionOf(locale)}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">${go}
<title>${title} · ${house.operatorName}</title><style>${new Html(style)}</style></head>
<body><header><strong>${house.operatorName}</strong>${house.environment === 'sandbox' && html`<span class="sandbox">Sandbox</span>`}</header>
<main>${body}</main>${script !== undefined && html`<script>${script.text}</script>`}</body></html>
`)
}

const policyOf = (formAction: string, scriptSource: string | undefined): string =>
  [
    "default-src 'none'",
    `style-src ${styleSource}`,
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(scriptSource === undefined ? [] : [`script-src ${scriptSource}`, "connect-src 'self'"]),
  ].join('; ')

/** Answers with a page. */
export function sendPage(response: ServerResponse, house: PageHouse, page: Page): void {
  if (response.headersSent) return
  const text = documentOf(house, page)
  response.writeHead(page.status ?? 200, {
    ...pageHeaders(house, "'self'", page.script?.source),
    'content-type': 'text/html; charset=utf-8',
    'content-language': page.locale,
    'content-length': Buffer.byteLength(text),
    ...(page.headers as Record<string, string | string[]>),
  })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}

/** Goes on to another page after a POST, so that going back or loading again repeats nothing. */
export function seeOther(
  response: ServerResponse,
  house: PageHouse,
  location: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): void {
  if (response.headersSent) return
  response.writeHead(303, {
    ...pageHeaders(house),
    location,
    'content-length': 0,
    ...(headers as Record<string, string | string[]>),
  })
  response.end()
}

/** @param formAction where forms of the page may lead, redirects included */
export const pageHeaders = (
  house: PageHouse,
  formAction = "'self'",
  scriptSource?: string,
): Record<string, string> => ({
  'content-security-policy': policyOf(formAction, scriptSource),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  // The Origin of a form is kept; nothing of an address goes elsewhere.
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
  vary: 'accept-language, cookie',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  ...(house.url.startsWith('https:')
    ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }
    : {}),
})
