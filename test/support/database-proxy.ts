import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** The way of some processes to PostgreSQL, which a test takes away, whole or for connections of one name. */
export interface DatabaseProxy {
  /** the address of the database, by this way */
  url: string
  /** Cuts the connections whose `application_name` holds one of these, and refuses new ones. `''` cuts all. */
  block(...names: readonly string[]): void
  unblock(): void
  /** connections that were refused or cut */
  refused(): number
}

/** @param databaseUrl without TLS, on this machine */
export async function databaseProxy(
  t: { after(fn: () => Promise<void> | void): void },
  databaseUrl: string,
): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl)
  const open = new Map<Socket, string>()
  let blocked: readonly string[] = []
  const isBlocked = (name: string): boolean => blocked.some((part) => name.includes(part))
  let refused = 0
  const cut = (socket: Socket): void => {
    refused += 1
    socket.destroy()
  }
  const server = createServer((client) => {
    client.on('error', () => client.destroy())
    client.once('data', (first: Buffer) => {
      const name = applicationName(first)
      if (isBlocked(name)) return cut(client)
      const upstream = connect(Number(target.port), target.hostname)
      open.set(client, name)
      upstream.on('error', () => client.destroy())
      upstream.on('close', () => client.destroy())
      client.on('close', () => {
        open.delete(client)
        upstream.destroy()
      })
      upstream.write(first)
      client.pipe(upstream).pipe(client)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of open.keys()) socket.destroy()
    server.close()
  })
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    block(...names) {
      blocked = names
      for (const [socket, name] of open) if (isBlocked(name)) cut(socket)
    },
    unblock() {
      blocked = []
    },
    refused: () => refused,
  }
}

/** Of a startup message: a length, a version, then names and values with a zero after each. */
function applicationName(startup: Buffer): string {
  const words = startup.subarray(8).toString('utf8').split('\0')
  const at = words.indexOf('application_name')
  return at < 0 ? '' : (words[at + 1] ?? '')
}
