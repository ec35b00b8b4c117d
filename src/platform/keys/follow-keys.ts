import { listen } from '../listen.ts'
import type { Log } from '../log.ts'
import { keysChannel } from './key-store.ts'
import type { InstallationKeys } from './open-keys.ts'

/** Notifications carry a new key at once; the poll is for the ones that a broken connection lost unnoticed. */
const pollMs = 10_000
const firstMs = 1_000

/**
 * Keeps the ring of a running process up to date: by notification, by poll, and at once when a value names a key that
 * is not known. When it cannot be read, the process goes on with the keys that it has.
 */
export function followKeys(options: {
  keys: InstallationKeys
  url: string
  log: Log
  pollMs?: number
  firstMs?: number
}): { stop(): Promise<void> } {
  const { keys, url, log } = options
  let running: Promise<void> | undefined
  let again = false
  let listener: { stop(): Promise<void> } | undefined
  const reloadAll = async (): Promise<void> => {
    do {
      again = false
      try {
        await keys.reload()
      } catch (error) {
        log.warn({ err: error }, 'the data keys cannot be read; those that are known go on')
      }
    } while (again)
    running = undefined
  }
  const reload = (): void => {
    again = true
    running ??= reloadAll()
  }
  keys.ring.onMissing = reload
  // A command is over before it needs a connection for this.
  const start = setTimeout(() => {
    listener = listen({
      ...{ url, channel: keysChannel, applicationName: 'wayleave data keys', onSignal: reload },
      onError: (error) => log.debug({ reason: error.message }, 'the data keys are not followed'),
    })
  }, options.firstMs ?? firstMs)
  start.unref()
  const poll = setInterval(reload, options.pollMs ?? pollMs)
  poll.unref()
  return {
    async stop() {
      keys.ring.onMissing = () => undefined
      clearTimeout(start)
      clearInterval(poll)
      await listener?.stop()
      again = false
      await running
    },
  }
}
