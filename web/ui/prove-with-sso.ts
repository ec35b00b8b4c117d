import type { SsoBeginning, StepUpState } from '#identity/schema'
import { ManagementError, manage } from './management.ts'

const everyMs = 1_500
const mostMs = 5 * 60_000

/**
 * Proves with the identity provider that the person is there, in a window of its own: what was begun on this page stays.
 * @param there the window, opened by a click
 */
export async function proveWithSso(there: Window | null): Promise<void> {
  if (there === null)
    throw refusal('The browser kept the window of single sign-on closed: allow it.')
  try {
    const { url } = await manage<SsoBeginning>('POST', '/session/sso/proof')
    // What is shown there has no business with this page.
    there.opener = null
    there.location.replace(url)
  } catch (error) {
    there.close()
    throw error
  }
  const until = performance.now() + mostMs
  while (performance.now() < until) {
    await new Promise((resolve) => {
      setTimeout(resolve, everyMs)
    })
    const { freshUntil } = await manage<StepUpState>('GET', '/session/step-up')
    if (freshUntil !== undefined) {
      there.close()
      return
    }
    if (there.closed) break
  }
  throw refusal('Single sign-on did not confirm that it is you.')
}

const refusal = (message: string): ManagementError =>
  new ManagementError({ status: 0, code: 'SSO', message, violations: [] })
