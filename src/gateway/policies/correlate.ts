import { randomUUID } from 'node:crypto'
import { correlatorOf } from '#platform/correlator'
import type { Policy } from '../exchange.ts'
import { refuseInput } from '../refusal.ts'

/**
 * CAMARA Commonalities, headers: `x-correlator` is echoed on every answer; one that the pattern forbids is a fault.
 * @public
 */
export const correlate = (): Policy => ({
  name: 'correlate',
  apply(exchange) {
    const correlator = correlatorOf(exchange.request.headers['x-correlator'])
    exchange.correlator = correlator ?? randomUUID()
    if (correlator !== undefined) return undefined
    return refuseInput([
      {
        path: 'x-correlator',
        message:
          'must be one field of at most 256 of the characters a-z A-Z 0-9 - _ : ; . / < > { }',
      },
    ])
  },
})
