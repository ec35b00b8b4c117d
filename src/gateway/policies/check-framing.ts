import { Http2Request } from '../edge/http2-messages.ts'
import type { GatewayRequest } from '../edge/messages.ts'
import type { Exchange } from '../exchange.ts'
import type { ArrivalPolicy } from '../gateway-context.ts'
import type { GatewayLimits } from '../gateway-limits.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'

const hostPattern =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/
const absoluteForm = /^(https?):\/\/([^/?#]*)(.*)$/i

/**
 * Refuses requests that two HTTP parsers could read differently, and that Node's own parser lets through (RFC 9112
 * sections 3.2, 6.1 and 6.3): another version, no or two hosts, an absolute target for another host, a
 * transfer coding besides chunked, and doubled fields that this gateway acts upon. In HTTP/2 the same is said in other
 * words (RFC 9113 section 8): the authority is the host, and what nghttp2 has let through is compared with it.
 * @public
 */
export const checkFraming: ArrivalPolicy = (context) => ({
  name: 'check-framing',
  apply(exchange) {
    const { request, connection } = exchange
    const fault = versionFault(request, context.limits) ?? fieldFault(request, context.limits)
    if (fault !== undefined) return fault
    const field = nominationFault(request) ?? expectationFault(request)
    if (field !== undefined) return field
    if (connection !== undefined && connection.waiting > context.limits.pipelined)
      return { ...refuseForNow('Too many requests wait on this connection.'), closes: true }
    const { host = '' } = request.headers
    if (!isHost(host)) return malformed('The Host field must name one host.')
    const target = originForm(request.url ?? '', host, exchange.secure)
    if (target === undefined) return malformed('The request target and the Host field differ.')
    if (namesOtherServer(exchange, host)) {
      const refusal = malformed('The Host field and the name of the TLS connection differ.')
      // A browser that uses one connection for two names must learn that it needs another (RFC 9110 section 15.5.20).
      return connection === undefined ? { ...refusal, status: 421 } : refusal
    }
    if (context.foreignHosts.has(host.toLowerCase()))
      return refuse('NOT_FOUND', 'This host belongs to the other environment.')
    const question = target.indexOf('?')
    exchange.path = question < 0 ? target : target.slice(0, question)
    exchange.query = question < 0 ? '' : target.slice(question + 1)
    return undefined
  },
})

const isHost = (host: string): boolean => {
  if (!hostPattern.test(host) || host.includes('..')) return false
  const port = host.lastIndexOf(':')
  return port === -1 || host.endsWith(']') || Number(host.slice(port + 1)) <= 65_535
}

const malformed = (message: string): Refusal =>
  refuse('INVALID_ARGUMENT', message, { closes: true })

const tooLarge = (message: string): Refusal => ({ ...malformed(message), status: 431 })

function versionFault(request: GatewayRequest, limits: GatewayLimits): Refusal | undefined {
  if (request.httpVersion === '1.1') return undefined
  if (request instanceof Http2Request) return http2Fault(request, limits)
  if (request.httpVersion !== '1.0') return malformed('HTTP/1.1 is needed.')
  return 'transfer-encoding' in request.headers
    ? malformed('HTTP/1.0 has no Transfer-Encoding.')
    : undefined
}

function http2Fault(request: Http2Request, limits: GatewayLimits): Refusal | undefined {
  if (request.fieldBytes > limits.headerBytes)
    return tooLarge(`The header fields may have ${limits.headerBytes} bytes together.`)
  if (request.method === 'CONNECT' || request.protocol !== undefined)
    return refuse('METHOD_NOT_ALLOWED', 'This is not a proxy, and has no other protocol.')
  if (request.scheme !== 'https') return malformed('The scheme of a request here is https.')
  if (request.url?.startsWith('/') !== true) return malformed('The path must begin with a slash.')
  return undefined
}

function expectationFault({ headers: { expect } }: GatewayRequest): Refusal | undefined {
  return expect === undefined || expect.toLowerCase() === '100-continue'
    ? undefined
    : malformed('The only expectation that is met here is 100-continue.')
}

/** fields that are about one connection, whether or not they are named */
const hopByHop = new Set([
  'close',
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * A field that `Connection` names is for this hop and must go (RFC 9110 section 7.6.1). Named so, a credential or a
 * parameter would count for whoever does not know the rule, and not for whoever does.
 */
function nominationFault({ headers }: GatewayRequest): Refusal | undefined {
  const { connection } = headers
  if (connection === undefined || connection === 'keep-alive' || connection === 'close')
    return undefined
  for (const part of connection.split(',')) {
    const name = part.trim().toLowerCase()
    if (!hopByHop.has(name) && headers[name] !== undefined)
      return malformed('The Connection field must not name a field that is for this API.')
  }
  return undefined
}

function fieldFault(request: GatewayRequest, limits: GatewayLimits): Refusal | undefined {
  const fields = request.rawHeaders
  if (fields.length > limits.headers * 2)
    return tooLarge(`A request may have ${limits.headers} header fields.`)
  let hosts = 0
  let types = 0
  let codings = 0
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    // By length first: a request has few fields of these lengths, and most are never compared.
    if (name.length === 4) {
      if (name.toLowerCase() === 'host') hosts += 1
    } else if (name.length === 12) {
      if (name.toLowerCase() === 'content-type') types += 1
    } else if (name.length === 17) {
      const coding = name.toLowerCase() === 'transfer-encoding' ? fields[i + 1] : undefined
      if (coding !== undefined) codings += 1
      if (coding !== undefined && (codings > 1 || coding.trim().toLowerCase() !== 'chunked'))
        return malformed('The only transfer coding that is accepted is chunked, once.')
    } else if (name.length === 7 && name.toLowerCase() === 'upgrade') {
      // Clients that can speak HTTP/2 offer it (RFC 9113 section 3.1 obsoletes that): an offer may be ignored.
      if (fields[i + 1]?.toLowerCase() !== 'h2c')
        return malformed('There is nothing to upgrade to here.')
    }
  }
  if (hosts !== 1) return malformed('The Host field must be there once.')
  if (types > 1) return malformed('The Content-Type field must not be there twice.')
  return undefined
}

/** @returns path and query; undefined when the target names another host or scheme, or has no path */
function originForm(target: string, host: string, secure: boolean): string | undefined {
  if (target.startsWith('/')) return target
  const absolute = absoluteForm.exec(target)
  if (absolute === null || absolute[2]?.toLowerCase() !== host.toLowerCase()) return undefined
  if (absolute[1]?.toLowerCase() !== (secure ? 'https' : 'http')) return undefined
  const rest = absolute[3] ?? ''
  return rest.startsWith('/') ? rest : `/${rest}`
}

function namesOtherServer(exchange: Exchange, host: string): boolean {
  if (!exchange.secure) return false
  const { servername } = exchange.request.socket as { servername?: string | false }
  if (typeof servername !== 'string' || servername === '') return false
  return servername.toLowerCase() !== host.replace(/:\d+$/, '').toLowerCase()
}
