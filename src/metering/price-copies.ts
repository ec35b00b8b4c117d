import type { Kysely } from 'kysely'
import type { Contracts } from '#contracts'
import type { MeteringTables } from './tables.ts'

/** The price versions that records name, beside the sums that they rate. */
export interface PriceCopies {
  /** Asks contracts for the versions that are not here yet; one that contracts does not know stays unrated. */
  ensure(priceIds: Iterable<string>): Promise<void>
  /** Asks again for every version that was counted and is not here. */
  complete(): Promise<void>
}

export function createPriceCopies(
  db: Kysely<MeteringTables>,
  contracts: Pick<Contracts, 'price'>,
): PriceCopies {
  const known = new Set<string>()
  const copy = async (priceId: string): Promise<void> => {
    const price = await contracts.price(priceId)
    if (price === undefined) return
    const { unit, list, currency } = price
    await db
      .insertInto('metering.price')
      .values({ price_id: priceId, unit, list, currency })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    known.add(priceId)
  }
  return {
    async ensure(priceIds) {
      for (const priceId of priceIds) if (!known.has(priceId)) await copy(priceId)
    },
    async complete() {
      const missing = await db
        .selectFrom('metering.meter as m')
        .leftJoin('metering.price as p', 'p.price_id', 'm.price_id')
        .select('m.price_id')
        .distinct()
        .where('m.price_id', '<>', '')
        .where('p.price_id', 'is', null)
        .execute()
      for (const { price_id } of missing) await copy(price_id)
    },
  }
}
