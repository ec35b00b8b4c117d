/// <reference path="./aws4.d.ts" />
import aws4 from 'aws4'
import type { Environment } from '#platform/config'
import type { FunctionTarget } from '#snapshot'
import type { UpstreamResponse } from '../exchange.ts'
import { decodeInvocation } from './function-response.ts'
import { invocationEvent } from './invocation-event.ts'
import type { UpstreamRequest } from './request-text.ts'
import type { UpstreamFailure } from './upstream-call.ts'
import type { Dialect, OutgoingCall } from './upstream-endpoint.ts'

/** What function upstreams are invoked with. */
export type FunctionCredentials = {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** What the Invoke API takes, and gives, in one synchronous call: 6 MB. */
export const largestInvocation = 6 * 1_048_576

/** The address of the Invoke API: AWS's own of the region, or the one of another function runtime. */
export function functionUrl(target: FunctionTarget): URL | null {
  if (target.endpoint !== undefined) return URL.parse(target.endpoint)
  const suffix = target.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return URL.parse(`https://lambda.${target.region}.${suffix}`)
}

/**
 * Calls a function by the Invoke API of AWS Lambda (2015-03-31), synchronously, with a payload of version 2.0. Requests
 * are signed (Signature Version 4) whenever there are credentials. Without them AWS's own address cannot be called; the
 * address of another runtime is called unsigned.
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function functionDialect(options: {
  target: FunctionTarget
  url: URL
  environment: Environment
  apiId: string
  credentials: FunctionCredentials | undefined
  largest: number
  nowMs: () => number
}): Dialect {
  const { target, url, credentials } = options
  const prefix = url.pathname.replace(/\/$/, '')
  const name = encodeURIComponent(target.name)
  const qualifier =
    target.qualifier === undefined ? '' : `?Qualifier=${encodeURIComponent(target.qualifier)}`
  const path = `${prefix}/2015-03-31/functions/${name}/invocations${qualifier}`
  const encode = (call: OutgoingCall): UpstreamRequest | undefined => {
    const body = Buffer.from(JSON.stringify(invocationEvent(call, options)))
    if (body.length > largestInvocation) return undefined
    const headers = {
      'content-type': 'application/json',
      'x-amz-invocation-type': 'RequestResponse',
      'x-amz-date': amzDate(options.nowMs()),
    }
    if (credentials === undefined)
      return { method: 'POST', path, headers: Object.entries(headers).flat(), body }
    const { host } = url
    const request = { host, method: 'POST', path, service: 'lambda', headers, body }
    const signed = aws4.sign({ ...request, region: target.region }, credentials)
    return { method: 'POST', path, headers: withoutFraming(signed.headers), body }
  }
  return {
    encode,
    decode: (response): UpstreamResponse | UpstreamFailure =>
      decodeInvocation(response, options.largest),
  }
}

/** Host and length are signed as well, and written by the client as they are. */
const withoutFraming = (headers: Readonly<Record<string, string>>): string[] =>
  Object.entries(headers)
    .filter(([name]) => !/^(?:host|content-length)$/i.test(name))
    .flat()

const amzDate = (ms: number): string => new Date(ms).toISOString().replace(/[:-]|\.\d{3}/g, '')
