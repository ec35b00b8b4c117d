import type { Pool, QueryConfig, QueryResult, QueryResultRow } from 'pg'
import { within } from '../limits/within.ts'

/**
 * A query that is answered in time or fails. Its connection is closed when it is late: a server that hangs must not keep
 * connections that nobody waits for, and a late answer must not be taken for that of the next question.
 * @throws when no connection can be had, the query fails, or the answer is late
 * @public
 */
export async function queryWithin<Row extends QueryResultRow>(
  pool: Pool,
  query: QueryConfig,
  ms: number,
): Promise<QueryResult<Row>> {
  let over = false
  let release: (() => void) | undefined
  const ask = async (): Promise<QueryResult<Row>> => {
    const client = await pool.connect()
    let open = true
    release = () => {
      if (open) client.release(true)
      open = false
    }
    if (over) {
      release()
      throw new Error('nobody waits for it any more')
    }
    const result = await client.query<Row>(query)
    if (open) client.release()
    open = false
    return result
  }
  try {
    return await within(ask(), ms, 'the database')
  } finally {
    over = true
    // Given back already unless it failed or is late: then nothing is known about the connection.
    release?.()
  }
}
