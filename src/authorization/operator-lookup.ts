import { readFileSync } from 'node:fs'
import { Agent, request } from 'undici'
import type { Config } from '#platform/config'
import { isPhoneNumber, type SubscriberLookup } from './network-authentication.ts'

type Lookup = NonNullable<Config['network']['lookup']>

const deadlineMs = 2_000
const maxAnswerBytes = 4_096

/** The operator's service did not answer, or not as agreed; its answer may hold a number and is in no message. */
export class LookupFailure extends Error {
  override name = 'LookupFailure'
}

/**
 * Asks the operator which number is behind an address and port, or behind a temporary token (GSMA TS.43). Nothing is kept:
 * a port belongs to somebody else a minute later.
 *
 * `POST <url>` with `{"address": "203.0.113.7", "port": 40001}` or `{"operatorToken": "…"}`;
 * `200 {"phoneNumber": "+351912345678"}`, or `404` when it is nobody's.
 */
export function operatorLookup(
  options: Lookup,
): Pick<SubscriberLookup, 'byAddress' | 'byOperatorToken'> & { close(): Promise<void> } {
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, 'utf8')
  const ca = file(options.caFile)
  const cert = file(options.certificateFile)
  const key = file(options.keyFile)
  const agent = new Agent({
    connect: {
      timeout: deadlineMs,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    },
    connections: 32,
    pipelining: 1,
    maxResponseSize: maxAnswerBytes,
  })
  const ask = async (question: object): Promise<string | undefined> => {
    try {
      const answer = await request(options.url, {
        dispatcher: agent,
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        },
        body: JSON.stringify(question),
        signal: AbortSignal.timeout(deadlineMs),
      })
      if (answer.statusCode === 404) {
        await answer.body.dump()
        return undefined
      }
      const text = await answer.body.text()
      if (answer.statusCode !== 200) throw new LookupFailure(`it answered ${answer.statusCode}`)
      return numberIn(text)
    } catch (error) {
      if (error instanceof LookupFailure) throw error
      throw new LookupFailure(reasonOf(error), { cause: error })
    }
  }
  return {
    byAddress: ({ address, port }) => ask(port === undefined ? { address } : { address, port }),
    byOperatorToken: (operatorToken) => ask({ operatorToken }),
    close: () => agent.close(),
  }
}

/**
 * Asks for an address that is nobody's (RFC 5737), to see whether the service answers as agreed.
 * @returns what is wrong
 * @public
 */
export async function tryNumberLookup(options: Lookup): Promise<string | undefined> {
  try {
    const lookup = operatorLookup(options)
    await lookup.byAddress({ address: '192.0.2.1', port: 1 }).finally(() => lookup.close())
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function numberIn(text: string): string {
  const answer = parsed(text)
  const number =
    typeof answer === 'object' && answer !== null && 'phoneNumber' in answer
      ? answer.phoneNumber
      : undefined
  if (typeof number !== 'string' || !isPhoneNumber(number))
    throw new LookupFailure('its answer has no phoneNumber in E.164 form')
  return number
}

// The parser's own error would quote the text, and with it a number.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The code of a fault of the connection; never a text that another side wrote. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed'
  if (error.name === 'TimeoutError') return `it did not answer within ${deadlineMs} ms`
  return 'code' in error ? String(error.code) : error.name
}
