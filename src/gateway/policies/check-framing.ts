import type { IncomingMessage } from 'node:http'
import type { Exchange } from '../exchange.ts'
import type { ArrivalPolicy } from '../gateway-context.ts'
import { type Refusal, refuse } from '../refusal.ts'

const hostPattern =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/
const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i

/**
 * Refuses requests that two HTTP parsers could read differently, and that Node's own parser lets through (RFC 9112
 * sections 3.2, 6.1 and 6.3): another version, no or two hosts, an absolute target for another host, a
 * transfer coding besides chunked, and doubled fields that this gateway acts upon.
 * @public
 */
export const checkFraming: ArrivalPolicy = (context) => ({
  name: 'check-framing',
  apply(exchange) {
    const { request } = exchange
    const fault = versionFault(request) ?? fieldFault(request, context.limits.headers)
    if (fault !== undefined) return fault
    const { host = '' } = request.headers
    if (!hostPattern.test(host)) return malformed('The Host field must name one host.')
    const target = originForm(request.url ?? '', host)
    if (target === undefined) return malformed('The request target and the Host field differ.')
    if (namesOtherServer(exchange, host))
      return malformed('The Host field and the name of the TLS connection differ.')
    if (context.foreignHosts.has(host.toLowerCase()))
      return refuse('NOT_FOUND', 'This host belongs to the other environment.')
    const question = target.indexOf('?')
    exchange.path = question < 0 ? target : target.slice(0, question)
    exchange.query = question < 0 ? '' : target.slice(question + 1)
    return undefined
  },
})

const malformed = (message: string): Refusal =>
  refuse('INVALID_ARGUMENT', message, { closes: true })

function versionFault(request: IncomingMessage): Refusal | undefined {
  if (request.httpVersion === '1.1') return undefined
  if (request.httpVersion !== '1.0') return malformed('HTTP/1.1 is needed.')
  return 'transfer-encoding' in request.headers
    ? malformed('HTTP/1.0 has no Transfer-Encoding.')
    : undefined
}

function fieldFault(request: IncomingMessage, most: number): Refusal | undefined {
  const fields = request.rawHeaders
  if (fields.length > most * 2)
    return { ...malformed(`A request may have ${most} header fields.`), status: 431 }
  let hosts = 0
  let types = 0
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    // By length first: a request has few fields of these lengths, and most are never compared.
    if (name.length === 4) {
      if (name.toLowerCase() === 'host') hosts += 1
    } else if (name.length === 12) {
      if (name.toLowerCase() === 'content-type') types += 1
    } else if (name.length === 17) {
      const coding = name.toLowerCase() === 'transfer-encoding' ? fields[i + 1] : undefined
      if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
        return malformed('The only transfer coding that is accepted is chunked.')
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

/** @returns path and query; undefined when the target names another host or has no path */
function originForm(target: string, host: string): string | undefined {
  if (target.startsWith('/')) return target
  const absolute = absoluteForm.exec(target)
  if (absolute === null || absolute[1]?.toLowerCase() !== host.toLowerCase()) return undefined
  const rest = absolute[2] ?? ''
  return rest.startsWith('/') ? rest : `/${rest}`
}

function namesOtherServer(exchange: Exchange, host: string): boolean {
  if (!exchange.secure) return false
  const { servername } = exchange.request.socket as { servername?: string | false }
  if (typeof servername !== 'string' || servername === '') return false
  return servername.toLowerCase() !== host.replace(/:\d+$/, '').toLowerCase()
}
