import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** Who takes what a connection brings. */
export interface ByteTaker {
  /** Takes the first `length` bytes, which change after the call. */
  read(bytes: Buffer, length: number): void
}

// What is read is used before the next read: one buffer does for all connections.
const readBuffer = Buffer.allocUnsafeSlow(65_536)

type Handled = { _handle: unknown }
type Options = NonNullable<ConstructorParameters<typeof Socket>[0]>

/**
 * Reads a connection that a server has taken. A server of Node makes its sockets itself, and those allocate 64 KiB for
 * every read; a client's can read into one buffer (`onread`). So a plain connection goes on with a socket of its own: the
 * one that the server made gives up its handle, and ends when that one does, so that whoever counts it goes on counting.
 * Whatever Node makes of `_handle` one day: without it the connection is read in the usual way.
 */
export function ownSocket(taken: Socket): { own: Socket; readInto(taker: ByteTaker): void } {
  const handle: unknown =
    taken instanceof TLSSocket ? undefined : (taken as never as Handled)._handle
  if (typeof handle !== 'object' || handle === null)
    return {
      own: taken,
      readInto: (taker) =>
        void taken.on('data', (bytes: Buffer) => taker.read(bytes, bytes.length)),
    }
  let into: ByteTaker | undefined
  ;(taken as never as Handled)._handle = null
  const options: Options = {
    handle: handle as never,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback(length, bytes) {
        into?.read(bytes as Buffer, length)
        return true
      },
    },
  }
  const own = new Socket(options)
  own.once('close', () => taken.destroy())
  return {
    own,
    readInto(taker) {
      into = taker
    },
  }
}
