import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import type { LimitStore } from './limit-store.ts'
import { decodeAnswer, encodeQuestion, type WireAnswer } from './limit-wire.ts'
import { limitScript } from './redis-limit-script.ts'
import { within } from './within.ts'

const usualAnswerWithinMs = 50
const reconnectMs = 500

type LimitRedis = Redis & {
  wayleaveLimits(prefix: string, question: string, epoch: string): Promise<string>
}

/**
 * The store in Redis or Valkey (from version 6.2). It never queues: what cannot be asked now fails now, and the caller
 * decides what that means. It must not evict keys (`maxmemory-policy noeviction`): a window that is gone counts as new.
 * @param options.answerWithinMs what comes later than that counts as no answer
 * @public
 */
export function redisLimitStore(
  url: string,
  environment: Environment,
  log: Log,
  { answerWithinMs = usualAnswerWithinMs } = {},
): LimitStore {
  const opened = open(url, environment, log, answerWithinMs)
  const prefix = `{wayleave:${environment}}:`
  return {
    async ask(question) {
      const redis = await opened
      const asked = redis.wayleaveLimits(prefix, encodeQuestion(question), randomUUID())
      let over = false
      const ends = (): void => {
        over = true
      }
      asked.then(ends, ends)
      try {
        const text = await within(asked, answerWithinMs, 'Redis')
        return decodeAnswer(JSON.parse(text) as WireAnswer)
      } catch (error) {
        // Questions that nobody waits for must not pile up: the server would run them all when it goes on.
        if (!over) redis.disconnect(true)
        throw error
      }
    },
    async stop() {
      const redis = await opened
      redis.disconnect()
    },
  }
}

/** Loaded where there is a Redis: most gateways start without it. */
async function open(
  url: string,
  environment: Environment,
  log: Log,
  answerWithinMs: number,
): Promise<LimitRedis> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    // Only a fence: `within` is the time that counts.
    commandTimeout: Math.max(1_000, 2 * answerWithinMs),
    connectTimeout: 1_000,
    // What is given up is closed at once: a server that stands still would never close its side.
    disconnectTimeout: 1,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(times * 20, reconnectMs),
    connectionName: `wayleave-gateway-${environment}`,
  }) as LimitRedis
  redis.on('error', (error) => log.debug({ reason: error.message }, 'the limit store is away'))
  redis.defineCommand('wayleaveLimits', { numberOfKeys: 1, lua: limitScript })
  return redis
}
