import type { IncomingMessage } from 'node:http'
import { cookieOf } from './cookies.ts'
import type { PageContext, Reader } from './page-needs.ts'

/** What this browser may see of a shared subscriber. */
export function readerOf(context: PageContext, request: IncomingMessage): Reader {
  const { browser } = context.sameBrowser.of(request)
  const hash = context.sealing.keyedHash('reader', browser)
  const value = cookieOf('partner', context).read(request)
  try {
    const partnerId =
      value === undefined || value === '' ? undefined : context.sealing.open(value, 'partner')
    return { partnerId, browser: hash }
  } catch {
    return { partnerId: undefined, browser: hash }
  }
}
