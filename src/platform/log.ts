import { type Logger, pino } from 'pino'
import { loggable, loggableError } from './loggable.ts'

/** @public */
export type Log = Logger

/** what waits for a disk that is full; beyond it lines are dropped */
const mostWaiting = 1_048_576

/**
 * One JSON line an event, on standard output. Only fields of a list are written, and errors without what they may
 * repeat of a request: never a body, a header, a query or a phone number. @see loggable.ts
 * @public
 */
export function createLog(options: { name: string; level: string }): Log {
  const destination = pino.destination({ fd: 1, sync: true, maxLength: mostWaiting })
  // A disk that is full must not end the process whose trouble the log would tell of.
  destination.on('error', () => undefined)
  return pino(
    {
      name: options.name,
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { log: loggable },
      serializers: { err: loggableError },
    },
    destination,
  )
}
