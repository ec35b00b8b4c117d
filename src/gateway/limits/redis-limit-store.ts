import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import type { LimitStore } from './limit-store.ts'
import { decodeAnswer, encodeQuestion, type WireAnswer } from './limit-wire.ts'
import { limitScript } from './redis-limit-script.ts'
import { within } from './within.ts'

const answerWithinMs = 50
const reconnectMs = 500

type LimitRedis = Redis & {
  wayleaveLimits(prefix: string, question: string, epoch: string): Promise<string>
}

/**
 * The store in Redis or Valkey (from version 6.2). It never queues: what cannot be asked now fails now, and the caller
 * decides what that means. It must not evict keys (`maxmemory-policy noeviction`): a window that is gone counts as new.
 * @public
 */
export function redisLimitStore(url: string, environment: Environment, log: Log): LimitStore {
  const redis = new Redis(url, {
    // Only a fence: `within` is the time that counts.
    commandTimeout: 1_000,
    connectTimeout: 1_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(times * 20, reconnectMs),
    connectionName: `wayleave-gateway-${environment}`,
  }) as LimitRedis
  redis.on('error', (error) => log.debug({ reason: error.message }, 'the limit store is away'))
  redis.defineCommand('wayleaveLimits', { numberOfKeys: 1, lua: limitScript })
  const prefix = `{wayleave:${environment}}:`
  return {
    async ask(question) {
      const asked = redis.wayleaveLimits(prefix, encodeQuestion(question), randomUUID())
      const text = await within(asked, answerWithinMs, 'Redis')
      return decodeAnswer(JSON.parse(text) as WireAnswer)
    },
    async stop() {
      redis.disconnect()
    },
  }
}
