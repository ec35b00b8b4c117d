import { environments } from '#platform/config'
import type { Platform } from '#platform/module'
import { recordedAs } from '#platform/recorded-correlator'
import { exchangesQuery } from './exchange-store.ts'
import type { MeteringTables } from './tables.ts'

const keptMs = 91 * 86_400_000
const aheadMs = 10 * 60_000

/** Ids of the exchanges with this x-correlator, newest first, at most ten. @public */
export async function exchangesOfCorrelator(
  { database, sealing, clock }: Pick<Platform, 'database' | 'sealing' | 'clock'>,
  correlator: string,
): Promise<string[]> {
  const now = clock.now().getTime()
  const keys = environments.map((one) => sealing.child(`gateway:${one}`))
  const filter = {
    ...{ from: new Date(now - keptMs), to: new Date(now + aheadMs) },
    ...{ partnerId: undefined, environment: undefined, traceId: undefined, status: undefined },
    ...{ applicationId: undefined, apiId: undefined },
    correlators: recordedAs(correlator, keys),
  }
  const { rows } = await exchangesQuery(filter, { limit: 10, offset: 0 }).execute(
    database.as<MeteringTables>(),
  )
  return rows.map(({ id }) => id)
}
