import type { Pool, QueryConfig, QueryResult, QueryResultRow } from 'pg'

/**
 * A query that is answered in time or fails. Its connection is closed when it is late: a server that hangs must not keep
 * connections that nobody waits for, and a late answer must not be taken for that of the next question.
 * @throws when no connection can be had, the query fails, or the answer is late
 */
export async function queryWithin<Row extends QueryResultRow>(
  pool: Pool,
  query: QueryConfig,
  withinMs: number,
): Promise<QueryResult<Row>> {
  const late = Promise.withResolvers<never>()
  // Nobody may be listening any more when it comes.
  late.promise.catch(() => undefined)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    late.reject(new Error('the database did not answer in time'))
  }, withinMs)
  try {
    const connecting = pool.connect()
    connecting.then(
      (client) => {
        if (isLate) client.release(true)
      },
      () => undefined,
    )
    const client = await Promise.race([connecting, late.promise])
    try {
      const asked = client.query<Row>(query)
      asked.catch(() => undefined)
      return await Promise.race([asked, late.promise])
    } finally {
      client.release(isLate)
    }
  } finally {
    clearTimeout(timer)
  }
}
