import cluster, { type Worker } from 'node:cluster'
import { AggregatorRegistry } from 'prom-client'
import type { Config, Environment } from '#platform/config'
import { createInternalServer } from '#platform/internal-server'
import { createLog } from '#platform/log'
import { superviseProcess } from '#platform/process-lifecycle'
import { gatewayCertificate, gatewayIdOf } from './gateway-folder.ts'
import type { ChildMessage } from './supervisor.ts'
import { tellSupervisor } from './tell-supervisor.ts'

type Running = { slot: number; worker: Worker; ready: boolean; startedMs: number }

const stopWithinMs = 26_000
const longestWaitMs = 10_000

/**
 * The workers of one gateway: processes that share its addresses. Each has a journal, a snapshot and a place among the
 * members of its own, under a slot that a replacement takes over, so that what one leaves behind is found by the next.
 * This process only accepts connections and hands them on in turn; it answers for all of them on the internal address.
 *
 * SIGUSR2 replaces the workers one after the other: a new one serves before the old one drains.
 */
export async function runGatewayWorkers(config: Config, environment: Environment): Promise<void> {
  const log = createLog({ name: `gateway-${environment}`, level: config.logLevel })
  cluster.schedulingPolicy = cluster.SCHED_RR
  const running = new Map<number, Running>()
  let stopping = false
  let failures = 0

  const freeSlot = (): number => {
    const taken = new Set([...running.values()].map(({ slot }) => slot))
    let slot = 1
    while (taken.has(slot)) slot += 1
    return slot
  }

  /** Resolves when the worker serves; rejects when it ends before. */
  const launch = (): Promise<void> => {
    const slot = freeSlot()
    cluster.setupPrimary({ args: ['gateway', '--environment', environment, '--worker', `${slot}`] })
    const worker = cluster.fork()
    const one: Running = { slot, worker, ready: false, startedMs: performance.now() }
    running.set(worker.id, one)
    return new Promise((resolve, reject) => {
      worker.on('message', (message: ChildMessage) => {
        if (message.type !== 'ready') return
        one.ready = true
        resolve()
      })
      worker.on('error', () => undefined)
      worker.on('exit', (code, signal) => {
        running.delete(worker.id)
        const how = signal === null ? `with exit code ${code}` : `by ${signal}`
        reject(new Error(`the worker ${slot} ended ${how} before it served`))
        if (stopping || worker.exitedAfterDisconnect || ended.has(worker.id)) return
        log.error({ slot, how }, 'a worker ended; it is started again')
        if (performance.now() - one.startedMs > 60_000) failures = 0
        failures += 1
        setTimeout(relaunch, Math.min(longestWaitMs, 100 * 2 ** Math.min(failures, 7)))
      })
    })
  }
  const relaunch = (): void => {
    if (stopping || running.size >= config.gatewayWorkers) return
    // When it ends again, its `exit` starts the next one.
    launch().catch(() => undefined)
  }

  /** Workers that were asked to end: their end is no failure. */
  const ended = new Set<number>()
  const end = async ({ worker }: Running): Promise<void> => {
    if (worker.isDead()) return
    ended.add(worker.id)
    const gone = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
    })
    worker.process.kill('SIGTERM')
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), stopWithinMs)
    await gone
    clearTimeout(timer)
    ended.delete(worker.id)
  }

  let replacing = false
  const replaceAll = async (): Promise<void> => {
    log.info({ workers: running.size }, 'the workers are replaced one after the other')
    for (const old of [...running.values()]) {
      if (stopping) return
      try {
        await launch()
      } catch (error) {
        log.error({ err: error }, 'a new worker does not serve: the old ones stay')
        return
      }
      await end(old)
    }
  }
  process.on('SIGUSR2', () => {
    if (replacing || stopping) return
    replacing = true
    void replaceAll().finally(() => {
      replacing = false
    })
  })

  const metrics = new AggregatorRegistry()
  const internal = createInternalServer({
    host: config.internalHost,
    port: config.gateways[environment].internalPort,
    ready: () => !stopping && [...running.values()].some(({ ready }) => ready),
    metrics: async () => await metrics.clusterMetrics(),
  })
  superviseProcess({
    log,
    deadlineMs: stopWithinMs + 1_000,
    async stop() {
      stopping = true
      await Promise.all([...running.values()].map(end))
      await internal.stop()
    },
  })
  // Made once, before several workers would each make their own.
  gatewayIdOf(config, environment)
  await gatewayCertificate(config, environment)
  await internal.start()
  await Promise.all(Array.from({ length: config.gatewayWorkers }, launch))
  tellSupervisor({ type: 'ready' })
}
