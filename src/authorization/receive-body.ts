import type { IncomingMessage } from 'node:http'
import { invalidRequest } from './oauth-error.ts'

/** Below what oidc-provider reads of the copy that it gets: a body that it refused would be told to be malformed. */
export const bodyLimit = 48 * 1_024

type Received = Buffer | 'too large'

const bodies = new WeakMap<IncomingMessage, Received>()

export interface BodyReceiver {
  /**
   * Takes in the body, before anything is done for the request.
   * @returns false when the client went away, or was given up
   * @throws invalid_request (408) when it takes too long
   */
  receive(request: IncomingMessage): Promise<boolean>
}

/**
 * A client that begins bodies and ends none must not keep others out: beyond `most` the oldest is given up, which a sound
 * client has long finished, and none is waited for longer than `mostMs`.
 */
export function createBodyReceiver({
  most,
  mostMs,
}: {
  most: number
  mostMs: number
}): BodyReceiver {
  const unfinished = new Set<IncomingMessage>()
  return {
    async receive(request) {
      unfinished.add(request)
      const [oldest] = unfinished
      if (unfinished.size > most) oldest?.destroy()
      try {
        const received = await bodyWithin(request, mostMs)
        if (received === 'too slow')
          throw invalidRequest(`the body did not come within ${mostMs / 1_000} s`, 408)
        if (received === 'gone') return false
        bodies.set(request, received)
        return true
      } finally {
        unfinished.delete(request)
      }
    },
  }
}

/**
 * The body of a request that was received.
 * @throws invalid_request when it is larger than 48 KiB, by its own word or in fact
 */
export function bodyOf(request: IncomingMessage): Buffer {
  const received = bodies.get(request)
  if (received === undefined)
    throw new Error('the body of a request is read before it was received')
  if (received === 'too large')
    throw invalidRequest(`the body is larger than ${bodyLimit} bytes`, 413)
  return received
}

/** Not by iterating: an iteration never ends when the answer has gone out before the body was there. */
function bodyWithin(
  request: IncomingMessage,
  milliseconds: number,
): Promise<Received | 'too slow' | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > bodyLimit)
    return Promise.resolve('too large')
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (received: Received | 'too slow' | 'gone'): void => {
      clearTimeout(deadline)
      request.off('data', take)
      resolve(received)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= bodyLimit) {
        chunks.push(chunk)
        return
      }
      // The connection has to carry the refusal, so it is not ended here; nothing more is read of it.
      request.pause()
      settle('too large')
    }
    const deadline = setTimeout(() => settle('too slow'), milliseconds)
    request.on('data', take)
    request.once('end', () => settle(Buffer.concat(chunks)))
    request.once('error', () => settle('gone'))
    request.once('close', () => settle('gone'))
  })
}
