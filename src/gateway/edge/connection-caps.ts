import type { Server, Socket } from 'node:net'
import { networkOf } from '#platform/network'
import type { EdgeEvents } from './edge-metrics.ts'

/**
 * How many connections one address may have, and all of them together, on every listener of this process. A client that
 * hoards connections takes places from itself; it cannot take the last ones, or the file descriptors that upstream calls
 * and the journal need.
 * @public
 */
export class ConnectionCaps {
  #perAddress: number
  #inAll: number
  #isProxy: (socket: Socket) => boolean
  #open = new Map<string, number>()
  #all = 0

  /** @param isProxy many clients come from one address of a trusted proxy, so it has no share of its own */
  constructor(options: {
    perAddress: number
    inAll: number
    isProxy: (socket: Socket) => boolean
  }) {
    this.#perAddress = options.perAddress
    this.#inAll = options.inAll
    this.#isProxy = options.isProxy
  }

  /** Puts itself before whatever serves the connections of a server: those beyond a cap are closed and counted. */
  guard(server: Server, events: EdgeEvents): void {
    const serve = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      const refused = this.#take(socket)
      if (refused === undefined) {
        for (const one of serve) one.call(server, socket)
        return
      }
      events.refused(refused)
      socket.on('error', () => undefined)
      socket.destroy()
    })
  }

  #take(socket: Socket): 'address' | 'descriptors' | undefined {
    if (this.#all >= this.#inAll) return 'descriptors'
    const address = networkOf(socket.remoteAddress ?? '')
    const open = this.#open.get(address) ?? 0
    if (open >= this.#perAddress && !this.#isProxy(socket)) return 'address'
    this.#all += 1
    this.#open.set(address, open + 1)
    socket.once('close', () => {
      this.#all -= 1
      const left = (this.#open.get(address) ?? 1) - 1
      if (left > 0) this.#open.set(address, left)
      else this.#open.delete(address)
    })
    return undefined
  }
}

/**
 * How many connections the limit of open files leaves, beside those to upstreams and what the process needs itself.
 * @param own what it opens itself at most
 * @public
 */
export const connectionsWithin = (openFiles: number, own: number): number =>
  Math.floor(Math.max(openFiles / 2, openFiles - own))

/**
 * The limit of open files of this process (Node has raised it to the hard one at its start).
 * @public
 */
export function openFilesOfProcess(): number {
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files?: { soft?: unknown } }
  }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' && soft > 0 ? soft : Number.MAX_SAFE_INTEGER
}
