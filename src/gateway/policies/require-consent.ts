import type { OperationPolicy } from '../gateway-context.ts'
import { refuse } from '../refusal.ts'

/**
 * Production calls whose legal basis is the subscriber's consent need a live one. A token of the client credentials
 * grant carries none, so such a call is refused; nobody stands behind the numbers of the sandbox.
 * @public
 */
export const requireConsent: OperationPolicy = (context, { api }) =>
  context.environment === 'production' && api.consent === 'consent'
    ? {
        name: 'require-consent',
        apply: () =>
          refuse(
            'PERMISSION_DENIED',
            'This API answers with the consent of the subscriber only, and this access token carries none.',
          ),
      }
    : undefined
