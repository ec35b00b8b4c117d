import { request as httpRequest } from 'undici'
import { invalidArgument, type Violation } from '#platform/app-error'
import type { Config } from '#platform/config'
import { callerParameters, scopeOf } from './operation-call.ts'
import { curlSample } from './samples/index.ts'
import type { ApiPage, OperationPage, TryIt, TryItResult } from './schema.ts'

/** Who the explorer calls as; the assertion is made for the one endpoint that it is sent to. */
export type Caller = {
  as: TryItResult['as']
  clientId: string
  assertion: (audience: string) => Promise<string>
}

type Sent = TryItResult['token']['request']
type Answer = { status: number; headers: Record<string, string>; body: string; ms: number }

const deadlineMs = 15_000
const maxAnswerBytes = 256 * 1_024

/**
 * Makes the two requests of a first call as a client would, over HTTP. There is nothing here that names production:
 * the two origins are the sandbox's, whatever the reader sends.
 */
export async function runTryIt(
  config: Config,
  caller: Caller,
  api: ApiPage,
  operation: OperationPage,
  input: TryIt & { correlator: string },
): Promise<TryItResult> {
  const call = buildCall(config, api, operation, input)
  const token = await requestToken(config, caller, scopeOf(operation))
  const result: TryItResult = {
    as: caller.as,
    clientId: caller.clientId,
    token: token.shown,
    curl: curlSample({
      tokenUrl: tokenEndpoint(config),
      scope: scopeOf(operation),
      method: operation.method,
      url: call.url,
      headers: call.parameters,
      mediaType: call.mediaType,
      body: input.body,
    }),
  }
  if (token.accessToken === undefined) return result
  const headers = {
    ...call.parameters,
    authorization: `Bearer ${token.accessToken}`,
    accept: 'application/json',
    'x-correlator': input.correlator,
    ...(call.body === undefined ? {} : { 'content-type': call.mediaType }),
  }
  const answer = await send(operation.method, call.url, headers, call.body)
  return {
    ...result,
    call: {
      request: {
        method: operation.method,
        url: call.url,
        headers: { ...headers, authorization: masked(token.accessToken) },
        ...(call.body === undefined ? {} : { body: call.body }),
      },
      status: answer.status,
      headers: answer.headers,
      body: answer.body,
      ms: answer.ms,
      correlator: answer.headers['x-correlator'] ?? input.correlator,
      ...exchangeOf(answer.headers),
    },
  }
}

const exchangeOf = (headers: Readonly<Record<string, string>>): { exchangeId?: string } => {
  const id = headers['x-exchange-id']
  return id === undefined ? {} : { exchangeId: id }
}

const tokenEndpoint = (config: Config): string => `${config.authorization.url}/sandbox/token`

const masked = (token: string): string => `Bearer ${token.slice(0, 10)}… (hidden)`

async function requestToken(
  config: Config,
  caller: Caller,
  scope: string,
): Promise<{ accessToken: string | undefined; shown: TryItResult['token'] }> {
  const url = tokenEndpoint(config)
  const form = {
    grant_type: 'client_credentials',
    ...(scope === '' ? {} : { scope }),
    client_id: caller.clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  }
  const assertion = await caller.assertion(url)
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  const body = new URLSearchParams({ ...form, client_assertion: assertion }).toString()
  const answer = await send('POST', url, headers, body)
  const shownBody = Object.entries(form).map(([name, value]) => `${name}=${value}`)
  const request: Sent = {
    method: 'POST',
    url,
    headers,
    body: [...shownBody, 'client_assertion=… (signed with the key of this portal)'].join('\n'),
  }
  const parsed = parse(answer.body)
  const text = (name: string): string | undefined =>
    typeof parsed[name] === 'string' ? parsed[name] : undefined
  const error = text('error')
  const granted = text('scope')
  const expiresIn = parsed.expires_in
  return {
    accessToken: answer.status === 200 ? text('access_token') : undefined,
    shown: {
      request,
      status: answer.status,
      ms: answer.ms,
      ...(error === undefined
        ? {}
        : { error: [error, text('error_description')].filter(Boolean).join(': ') }),
      ...(granted === undefined ? {} : { scope: granted }),
      ...(typeof expiresIn === 'number' ? { expiresIn } : {}),
    },
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

type BuiltCall = {
  url: string
  parameters: Record<string, string>
  mediaType: string
  body: string | undefined
}

/** @throws AppError INVALID_ARGUMENT with everything that keeps the call from being made */
function buildCall(
  config: Config,
  api: ApiPage,
  operation: OperationPage,
  input: TryIt,
): BuiltCall {
  const violations: Violation[] = []
  const given = input.parameters ?? {}
  const documented = callerParameters(operation)
  for (const name of Object.keys(given)) {
    if (!documented.some((p) => p.name === name))
      violations.push({
        path: `/parameters/${name}`,
        message: 'is not a parameter of this operation',
      })
  }
  let path = operation.path
  const query: [string, string][] = []
  const headers: Record<string, string> = {}
  for (const parameter of documented) {
    const value = given[parameter.name]
    const fault = faultOf(parameter.in, value)
    if (fault !== undefined)
      violations.push({ path: `/parameters/${parameter.name}`, message: fault })
    else if (value !== undefined) {
      if (parameter.in === 'path')
        path = path.replace(`{${parameter.name}}`, encodeURIComponent(value))
      if (parameter.in === 'query') query.push([parameter.name, value])
      if (parameter.in === 'header') headers[parameter.name.toLowerCase()] = value
    }
  }
  if (input.body !== undefined && operation.requestBody === undefined)
    violations.push({ path: '/body', message: 'this operation takes no body' })
  if (violations.length > 0) throw invalidArgument(violations)
  const search = query.length === 0 ? '' : `?${new URLSearchParams(query).toString()}`
  return {
    url: `${config.gateways.sandbox.url}${api.basePath}${path}${search}`,
    parameters: headers,
    mediaType: operation.requestBody?.mediaType ?? 'application/json',
    body: input.body === undefined ? undefined : JSON.stringify(input.body),
  }
}

function faultOf(place: string, value: string | undefined): string | undefined {
  if (value?.isWellFormed() === false) return 'has half of a character (a lone surrogate)'
  if (place === 'path') {
    if (value === undefined || value === '') return 'is required'
    // A segment of dots would name another operation than the one that was chosen.
    if (/^\.{1,2}$/.test(value)) return 'must not be dots'
  }
  if (place === 'header' && value !== undefined && !/^[\t\x20-\x7e]*$/.test(value))
    return 'has a character that a header cannot carry'
  return undefined
}

/** Redirects are answers here, and nothing is decompressed: what came is what is shown. */
async function send(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: string | undefined,
): Promise<Answer> {
  const started = performance.now()
  try {
    const response = await httpRequest(url, {
      method,
      headers,
      body: body ?? null,
      headersTimeout: deadlineMs,
      bodyTimeout: deadlineMs,
      signal: AbortSignal.timeout(deadlineMs),
    })
    const text = await readLimited(response.body)
    const ms = performance.now() - started
    return { status: response.statusCode, headers: shownHeaders(response.headers), body: text, ms }
  } catch (error) {
    const timedOut = error instanceof Error && /Timeout|Abort/.test(error.name)
    return {
      status: timedOut ? 504 : 502,
      headers: {},
      body: JSON.stringify({
        status: timedOut ? 504 : 502,
        code: timedOut ? 'TIMEOUT' : 'BAD_GATEWAY',
        message: timedOut
          ? 'The sandbox did not answer in time.'
          : 'The sandbox cannot be reached at the moment.',
      }),
      ms: performance.now() - started,
    }
  }
}

async function readLimited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxAnswerBytes) {
      chunks.push(Buffer.from('\n… the rest is not shown'))
      break
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const hidden = new Set(['connection', 'keep-alive', 'transfer-encoding', 'set-cookie'])

function shownHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || hidden.has(name) ? [] : [[name, [value].flat().join(', ')]],
    ),
  )
}
