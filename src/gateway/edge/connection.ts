import type { Socket } from 'node:net'

const own = Symbol('connection')

/**
 * What is known of one HTTP/1.1 connection. Several requests may be on their way on it (RFC 9112 section 9.3.2), and it
 * can end only with the answer to the newest one: the answers behind a `Connection: close` are never read, although
 * their requests were acted upon (section 9.6).
 * @public
 */
export class Connection {
  /** how many requests have come */
  requests = 0
  /** how many of them wait for their answer */
  waiting = 0
  /** whether the answer that ends it is decided: whatever comes behind that request is not a request */
  ended = false

  static of(socket: Socket): Connection {
    const known = (socket as { [own]?: Connection })[own]
    if (known !== undefined) return known
    const made = new Connection()
    Object.defineProperty(socket, own, { value: made })
    return made
  }
}
