import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '#platform/clock'
import type { CheckpointSink, ExportedCheckpoint } from './checkpoint-sink.ts'

/** Facility 13 (log audit), severity 5 (notice): RFC 5424, section 6.2.1. */
const priority = 13 * 8 + 5
const deadlineMs = 10_000

/**
 * A syslog collector by RFC 5424, over TCP with octet counting (RFC 6587, 3.4.1) or TLS (RFC 5425). The text of a message
 * is a line of the exported file. Syslog acknowledges nothing and shows nothing: a message counts as taken when the
 * collector has read to the end and closed the connection.
 * @public
 */
export function syslogSink(options: {
  /** `tls://host:6514` or `tcp://host:601` */
  url: string
  /** authorities of its certificate, instead of those of the system */
  ca: string | undefined
  /** what the messages name as their host */
  host: string
  clock: Clock
}): CheckpointSink {
  const { url, ca, clock } = options
  const host = printable(options.host)
  const message = ({ checkpoint, key }: ExportedCheckpoint): string => {
    const text = `<${priority}>1 ${clock.now().toISOString()} ${host} wayleave - checkpoint - ${JSON.stringify({ checkpoint, key })}`
    return `${Buffer.byteLength(text)} ${text}`
  }
  return {
    name: `syslog ${new URL(url).host}`,
    async add(checkpoints) {
      if (checkpoints.length > 0) await deliver(url, ca, checkpoints.map(message).join(''))
    },
    list: () => Promise.resolve(undefined),
    newest: () => Promise.resolve(undefined),
  }
}

/** HOSTNAME of RFC 5424 has no white space and nothing outside ASCII; `-` says that there is none. */
const printable = (name: string): string => name.replace(/[^\x21-\x7e]/g, '').slice(0, 255) || '-'

async function deliver(address: string, ca: string | undefined, text: string): Promise<void> {
  const url = new URL(address)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const signal = AbortSignal.timeout(deadlineMs)
  const secure = url.protocol === 'tls:'
  const at = { host, port: url.port === '' ? (secure ? 6514 : 601) : Number(url.port) }
  const socket: Socket = secure
    ? connectTls({
        ...at,
        ...(ca !== undefined && { ca }),
        ...(isIP(host) === 0 && { servername: host }),
        minVersion: 'TLSv1.2',
      })
    : connectTcp(at)
  try {
    await once(socket, secure ? 'secureConnect' : 'connect', { signal })
    // Whatever it says is not for us, but unread it would hold up its end of the connection.
    socket.resume()
    const ended = once(socket, 'end', { signal })
    socket.end(text)
    await ended
    if (!socket.writableFinished)
      throw new Error(`${url.host} ended the connection before it had read all messages`)
  } catch (error) {
    if (signal.aborted)
      throw new Error(`${url.host} did not take the messages in time`, { cause: error })
    throw error
  } finally {
    socket.destroy()
  }
}
