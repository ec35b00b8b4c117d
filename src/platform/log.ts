import { type Logger, pino } from 'pino'

/** @public */
export type Log = Logger

/**
 * One JSON line an event, on standard output. Only fields that a call names are written: never a body, a header,
 * a query or a phone number.
 * @public
 */
export function createLog(options: { name: string; level: string }): Log {
  return pino({
    name: options.name,
    level: options.level,
    base: { name: options.name },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
}
