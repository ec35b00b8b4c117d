import { type Journal, listSegments } from '#journal'
import type { Log } from '#platform/log'

/** longer than a gateway or worker needs to start and take its own journal up */
const firstAfterMs = 30_000
const heldForMs = 20_000
const lookEveryMs = 50

/**
 * Ships what processes of this gateway left behind that nobody takes up any more: a worker's slot that is not used again,
 * or all of them when the number of workers is another one. What still runs holds its journal locked.
 * @param options.own the id of the gateway; its workers have a number behind it
 * @param options.gatewayId of this process
 */
export function shipLeftJournals(options: {
  folder: string
  own: string
  gatewayId: string
  open: (gatewayId: string) => Promise<Journal>
  log: Log
  everyMs?: number
}): { stop(): Promise<void> } {
  const { own, log } = options
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()

  const isOurs = (id: string): boolean =>
    id !== options.gatewayId &&
    (id === own || (id.startsWith(`${own}-`) && /^\d{1,2}$/.test(id.slice(own.length + 1))))
  const left = (): ReadonlySet<string> =>
    new Set(
      listSegments(options.folder)
        .filter(({ place, gatewayId }) => place === 'waiting' && isOurs(gatewayId))
        .map(({ gatewayId }) => gatewayId),
    )
  const ship = async (gatewayId: string): Promise<void> => {
    // Locked: it is at work.
    const journal = await options.open(gatewayId).catch(() => undefined)
    if (journal === undefined) return
    const { segments } = journal.backlog()
    const endMs = performance.now() + heldForMs
    while (!stopped && journal.backlog().segments > 0 && performance.now() < endMs)
      await new Promise((resolve) => {
        setTimeout(resolve, lookEveryMs)
      })
    const shipped = segments - journal.backlog().segments
    await journal.stop(0)
    if (shipped > 0)
      log.info(
        { gatewayId, records: shipped },
        'journal segments that were left behind are shipped',
      )
  }
  const look = async (): Promise<void> => {
    try {
      for (const gatewayId of left()) if (!stopped) await ship(gatewayId)
    } catch (error) {
      log.warn({ err: error }, 'journals that were left behind could not be looked through')
    }
    plan()
  }
  const plan = (): void => {
    if (stopped) return
    timer = setTimeout(() => {
      running = look()
    }, options.everyMs ?? firstAfterMs).unref()
  }
  plan()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
