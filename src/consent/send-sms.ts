import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/** How a message reaches the handset of a subscriber. @public */
export interface SmsSender {
  /** Why nobody can be reached in this environment; undefined when somebody can. */
  readonly missing: string | undefined
  /**
   * Resolves when the operator has taken the message, which is before anybody has read it.
   * @param applicationId in whose matter; undefined for the operator's own, such as a code for the privacy page
   * @throws SmsFailed
   */
  send(phoneNumber: string, text: string, applicationId?: string): Promise<void>
}

/** The message did not go out. Says nothing of the number or the text. @public */
export class SmsFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SmsFailed'
  }
}

const deadlineMs = 10_000

/**
 * Production: `POST {"to": "+…", "text": "…"}` to the operator's service, with its bearer secret; any 2xx is success.
 * It is not tried again: a question that comes twice is worse than one that the partner asks anew.
 * @param to undefined: there is no such service, and every message says so
 * @public
 */
export function createHttpSms(
  to: { url: string; token: string | undefined } | undefined,
): SmsSender {
  if (to === undefined) {
    const missing = 'No service for SMS is configured (WAYLEAVE_SMS_URL).'
    return { missing, send: () => Promise.reject(new SmsFailed(missing)) }
  }
  return {
    missing: undefined,
    async send(phoneNumber, text) {
      const status = await post(to, JSON.stringify({ to: phoneNumber, text }))
      if (status < 200 || status > 299)
        throw new SmsFailed(`the service for SMS answered ${status}`)
    },
  }
}

function post(to: { url: string; token: string | undefined }, body: string): Promise<number> {
  const url = new URL(to.url)
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void =>
      reject(new SmsFailed('the service for SMS cannot be reached', { cause }))
    const call = request(
      url,
      {
        method: 'POST',
        signal: AbortSignal.timeout(deadlineMs),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...(to.token === undefined ? {} : { authorization: `Bearer ${to.token}` }),
        },
      },
      (response) => {
        response.once('error', failed)
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    call.once('error', failed)
    call.end(body)
  })
}
