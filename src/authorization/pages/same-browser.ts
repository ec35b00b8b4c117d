import type { IncomingMessage } from 'node:http'
import { type Sealing, sameSecret } from '#platform/sealing'
import { type Cookie, cookieOf } from './cookies.ts'

/** Ties the forms of pages to the browser that got them, without keeping anything. */
export interface SameBrowser {
  /** the secret of this browser, a new one when it has none; `headers` are those of the answer that gives it out */
  of(request: IncomingMessage): { browser: string; headers: Readonly<Record<string, string>> }
  /** what a form about this thing carries, in this browser */
  tokenFor(browser: string, thing: string): string
  /** whether a form carries what this browser was given for this thing */
  holds(request: IncomingMessage, thing: string, token: string | undefined): boolean
}

export function createSameBrowser(options: {
  environment: string
  url: string
  sealing: Sealing
  randomSecret: () => string
}): SameBrowser {
  const cookie: Cookie = cookieOf('browser', options)
  const known = (request: IncomingMessage): string | undefined => {
    const value = cookie.read(request)
    return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined
  }
  const tokenFor = (browser: string, thing: string): string =>
    options.sealing.keyedHash('form', `${browser}\0${thing}`)
  return {
    of(request) {
      const present = known(request)
      if (present !== undefined) return { browser: present, headers: {} }
      const browser = options.randomSecret()
      return { browser, headers: { 'set-cookie': cookie.set(browser) } }
    },
    tokenFor,
    holds(request, thing, token) {
      const browser = known(request)
      return (
        browser !== undefined && token !== undefined && sameSecret(token, tokenFor(browser, thing))
      )
    },
  }
}
