import type { IncomingMessage, ServerResponse } from 'node:http'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Environment, environments } from '#platform/config'
import type { InternalHandler } from '#platform/internal-server'
import { type Sealing, sameSecret } from '#platform/sealing'
import type { Consenting } from './needs.ts'
import { type ConsentInfoNeeds, retrieveStatus, type StatusResult } from './retrieve-status.ts'
import { sealNumber, subjectOf } from './subject.ts'

const PhoneNumber = Type.String({ pattern: '^\\+[1-9][0-9]{4,14}$' })

const Body = Type.Object({
  phoneNumber: Type.Optional(PhoneNumber),
  scopes: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 100 }),
  purpose: Type.String({ pattern: '^dpv:[a-zA-Z0-9]+$', maxLength: 100 }),
  requestCaptureUrl: Type.Boolean(),
  callbackUrl: Type.Optional(Type.String({ maxLength: 2_000 })),
})

type Answer = { status: number; body: unknown }

const limitBytes = 64 * 1_024

/**
 * `POST /internal/v1/platform/<environment>/consent-info/v0.2/retrieve`: what the gateway of that environment forwards,
 * after it has authenticated, limited and validated the call. Nobody else has its token.
 */
export function consentInfoHandlers(
  consenting: Consenting,
  needs: ConsentInfoNeeds,
  sealing: Sealing,
): Readonly<Record<string, InternalHandler>> {
  const handlerOf =
    (environment: Environment): InternalHandler =>
    async (request, response) => {
      const token = sealing.child(`gateway:${environment}`).machineToken('platform')
      let answer: Answer
      try {
        answer = await answerTo({ consenting, needs, sealing, environment, token }, request)
      } catch (error) {
        consenting.log.error({ err: error }, 'consent-info failed')
        answer = fault(500, 'INTERNAL', 'The consent of this subscriber cannot be told now.')
      }
      write(response, answer)
    }
  return Object.fromEntries(
    environments.map((environment) => [
      `POST /internal/v1/platform/${environment}/consent-info/v0.2/retrieve`,
      handlerOf(environment),
    ]),
  )
}

async function answerTo(
  given: {
    consenting: Consenting
    needs: ConsentInfoNeeds
    sealing: Sealing
    environment: Environment
    token: string
  },
  request: IncomingMessage,
): Promise<Answer> {
  const { consenting, needs, sealing, environment } = given
  const shown = /^Bearer ([\w-]{1,256})$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (!sameSecret(shown, given.token))
    return fault(401, 'UNAUTHENTICATED', 'Only the gateway of this environment is answered here.')
  const body = await readJson(request)
  if (!Value.Check(Body, body))
    return fault(400, 'INVALID_ARGUMENT', 'The body is not as the document says.')
  const subject = request.headers['x-wayleave-subject']
  if (subject !== undefined && body.phoneNumber !== undefined)
    return fault(422, 'UNNECESSARY_IDENTIFIER', 'The access token names the phone number.')
  const phoneNumber = subject ?? body.phoneNumber
  if (!Value.Check(PhoneNumber, phoneNumber))
    return fault(422, 'MISSING_IDENTIFIER', 'The phone number cannot be identified.')
  const applicationId = request.headers['x-wayleave-application']
  const { scopes, purpose, requestCaptureUrl, callbackUrl } = body
  return present(
    await retrieveStatus(consenting, needs, {
      environment,
      applicationId: typeof applicationId === 'string' ? applicationId : '',
      subject: subjectOf(sealing, environment, phoneNumber),
      sealedNumber: sealNumber(sealing, environment, phoneNumber),
      ...{ scopes, purpose, requestCaptureUrl },
      ...(callbackUrl === undefined ? {} : { callbackUrl }),
    }),
  )
}

function present(result: StatusResult): Answer {
  switch (result.is) {
    case 'status': {
      const { is: _, ...body } = result
      return { status: 200, body }
    }
    case 'not-allowed':
      return fault(
        403,
        'CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE',
        'Your application may not use these scopes for this purpose: see its APIs and purposes in the portal.',
      )
    case 'bad-callback':
      return fault(
        403,
        'CONSENT_INFO.INVALID_CALLBACK_URL',
        'callbackUrl must be exactly one of the redirect addresses that your application registered.',
      )
    case 'too-often':
      return fault(
        403,
        'CONSENT_INFO.CAPTURE_FREQUENCY_EXCEEDED',
        'This subscriber was asked too often. Try again tomorrow.',
      )
  }
}

const fault = (status: number, code: string, message: string): Answer => ({
  status,
  body: { status, code, message },
})

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limitBytes) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}

function write(response: ServerResponse, { status, body }: Answer): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body))
}
