import { Client } from 'pg'

const closeWithinMs = 1_000

/**
 * Closes a connection in whatever state it is; one that hangs (a server that is gone while it connects) is let go.
 * @public
 */
export async function closeClient(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closeWithinMs)
  })
  await Promise.race([client.end().catch(() => undefined), late])
  clearTimeout(timer)
}

/**
 * Follows PostgreSQL notifications for as long as the process lives, over a connection of its own. A lost connection
 * is made again; `onSignal` is also called after each reconnection, because notifications sent meanwhile are gone.
 * @public
 */
export function listen(options: {
  url: string
  channel: string
  applicationName: string
  onSignal: (payload: string | undefined) => void
  onError?: (error: Error) => void
  retryMs?: number
}): { stop(): Promise<void> } {
  let client: Client | undefined
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const connect = async (): Promise<void> => {
    if (stopped) return
    const next = new Client({
      connectionString: options.url,
      application_name: options.applicationName,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    })
    client = next
    const lost = (error?: Error): void => {
      if (client !== next) return
      client = undefined
      if (error !== undefined) options.onError?.(error)
      void closeClient(next)
      if (!stopped) timer = setTimeout(() => void connect(), options.retryMs ?? 500)
    }
    next.on('error', lost)
    next.on('end', () => lost())
    next.on('notification', (message) => options.onSignal(message.payload))
    try {
      await next.connect()
      await next.query(`listen ${next.escapeIdentifier(options.channel)}`)
      options.onSignal(undefined)
    } catch (error) {
      lost(error instanceof Error ? error : new Error(String(error)))
    }
  }

  void connect()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      const open = client
      client = undefined
      if (open !== undefined) await closeClient(open)
    },
  }
}
