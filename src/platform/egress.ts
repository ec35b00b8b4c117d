import { lookup } from 'node:dns/promises'
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, type RequestOptions, request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { type AddressFilter, createAddressFilter } from './public-addresses.ts'

/**
 * Why nothing came of a request to somebody else's server; `address`: it may not be called at all.
 * @public
 */
export type EgressFault = 'address' | 'unreachable' | 'timeout' | 'redirect' | 'too-large' | 'coded'

/**
 * @public
 */
export class EgressError extends Error {
  readonly fault: EgressFault
  constructor(message: string, options: ErrorOptions & { fault: EgressFault }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'EgressError'
    this.fault = options.fault
  }
}

/**
 * @public
 */
export type GuardedRequest = {
  method?: 'GET' | 'POST'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** for all of it: resolving, connecting, the last byte; default 15 s */
  deadlineMs?: number
  /** of the body; default 64 KiB */
  maxBytes?: number
}

/**
 * @public
 */
export type GuardedResponse = {
  status: number
  headers: Readonly<IncomingMessage['headers']>
  body: Buffer
}

/**
 * Requests to addresses that others chose: partners above all.
 * @public
 */
export interface Egress {
  /**
   * Asks once, without redirects, of a host all of whose addresses are public, or in networks that the operator named.
   * @throws EgressError
   */
  fetchGuarded(url: string, request?: GuardedRequest): Promise<GuardedResponse>
  /** Why nothing is ever fetched from this address, for people; undefined when only its host can tell. */
  addressFault(url: string): string | undefined
}

/**
 * @public
 */
export type EgressOptions = {
  /** of partners on the operator's premises; with a loopback network a laptop may call itself, also by http */
  networks: readonly string[]
  /** all addresses of a host */
  resolve?: (host: string) => Promise<readonly string[]>
  /** authorities besides those of Node (`NODE_EXTRA_CA_CERTS`) */
  ca?: string
}

const ports: readonly number[] = [443, 8443]

/**
 * @public
 */
export function createEgress(options: EgressOptions): Egress {
  const filter = createAddressFilter(options.networks)
  const resolve = options.resolve ?? resolveAll
  return {
    addressFault(text) {
      const url = URL.parse(text)
      if (url === null) return 'must be a whole address such as https://app.example/jwks.json'
      return staticFault(url, filter, options.networks.length > 0)
    },
    async fetchGuarded(text, request = {}) {
      const url = URL.parse(text)
      const fault =
        url === null ? 'is no address' : staticFault(url, filter, options.networks.length > 0)
      if (url === null || fault !== undefined)
        throw new EgressError(`the address ${fault}`, { fault: 'address' })
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(), request.deadlineMs ?? 15_000)
      try {
        const addresses = await Promise.race([
          checkedAddresses(url, filter, resolve),
          whenAborted(deadline.signal),
        ])
        return await askFirst(addresses, { url, request, signal: deadline.signal, ca: options.ca })
      } catch (error) {
        if (error instanceof EgressError) throw error
        if (deadline.signal.aborted)
          throw new EgressError(`${url.host} did not answer in time`, {
            fault: 'timeout',
            cause: error,
          })
        const why = error instanceof Error ? error.message : String(error)
        throw new EgressError(`${url.host}: ${why}`, { fault: 'unreachable', cause: error })
      } finally {
        clearTimeout(timer)
        deadline.abort()
      }
    },
  }
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

/** What an address tells by itself. Names may lead anywhere, so their addresses are looked at when they are called. */
function staticFault(url: URL, filter: AddressFilter, hasNetworks: boolean): string | undefined {
  const host = hostOf(url)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && hasNetworks))
    return 'must be an https address'
  if (url.username !== '' || url.password !== '') return 'must have no user name or password'
  if (url.hash !== '' || url.href.endsWith('#')) return 'must have no fragment'
  if (isIP(host) !== 0 && !filter.isPublic(host) && !filter.isNamed(host))
    return 'is in a private or reserved network'
  if (!hasNetworks && /^(localhost|.+\.(localhost|local|internal|home\.arpa))\.?$/.test(host))
    return 'is a name of a private network'
  if (!hasNetworks && !ports.includes(portOf(url))) return `must have port ${ports.join(' or ')}`
  return undefined
}

const portOf = ({ port, protocol }: URL): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)

const resolveAll = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/** One address that is not public is enough to refuse: who answers with several chooses which one is called. */
async function checkedAddresses(
  url: URL,
  filter: AddressFilter,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const host = hostOf(url)
  const addresses = isIP(host) === 0 ? await resolve(host) : [host]
  if (addresses.length === 0)
    throw new EgressError(`${host} has no address`, { fault: 'unreachable' })
  const named = addresses.every((address) => filter.isNamed(address))
  if (!named && !addresses.every((address) => filter.isPublic(address) || filter.isNamed(address)))
    throw new EgressError(`${host} leads to a private or reserved network`, { fault: 'address' })
  if (named && (url.protocol === 'https:' || addresses.every(isLoopback))) return addresses
  if (url.protocol !== 'https:')
    throw new EgressError(`${host} must be called by https`, { fault: 'address' })
  if (!ports.includes(portOf(url)))
    throw new EgressError(`${host} must be called at port ${ports.join(' or ')}`, {
      fault: 'address',
    })
  return addresses
}

const isLoopback = (address: string): boolean => /^127\.|^::1$/.test(address)

type Asking = { url: URL; request: GuardedRequest; signal: AbortSignal; ca: string | undefined }

/** Nothing was sent where no connection came about, so the next address may be tried whatever the method is. */
async function askFirst(addresses: readonly string[], asking: Asking): Promise<GuardedResponse> {
  let last: unknown
  for (const address of addresses.slice(0, 4)) {
    try {
      return await ask(address, asking)
    } catch (error) {
      const call = (error as NodeJS.ErrnoException).syscall
      if (call !== 'connect' || asking.signal.aborted) throw error
      last = error
    }
  }
  throw last
}

/** To this very address, under the name of the host, over a connection that nobody else ever uses. */
function ask(address: string, { url, request, signal, ca }: Asking): Promise<GuardedResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<GuardedResponse>()
  const isTls = url.protocol === 'https:'
  const options: RequestOptions = {
    host: address,
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    method: request.method ?? 'GET',
    // An agent of its own: no connection is kept, no session is resumed, no proxy of the environment is used.
    agent: isTls
      ? new HttpsAgent({ keepAlive: false, maxCachedSessions: 0 })
      : new HttpAgent({ keepAlive: false }),
    headers: {
      ...request.headers,
      host: url.host,
      'accept-encoding': 'identity',
      'user-agent': 'wayleave',
      ...(request.body !== undefined && { 'content-length': Buffer.byteLength(request.body) }),
    },
    maxHeaderSize: 16_384,
    signal,
    ...(isTls && isIP(hostOf(url)) === 0 && { servername: hostOf(url) }),
    ...(isTls && ca !== undefined && { ca }),
  }
  const sent = (isTls ? requestHttps : requestHttp)(options)
  sent.on('response', (response) => {
    readBody(response, request.maxBytes ?? 65_536).then(resolve, (error: unknown) => {
      sent.destroy()
      reject(error)
    })
  })
  sent.on('error', reject)
  sent.end(request.body)
  return promise
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<GuardedResponse> {
  const { statusCode: status = 0, headers } = response
  if (status >= 300 && status < 400 && status !== 304)
    throw new EgressError(`answered ${status}: redirects are not followed`, { fault: 'redirect' })
  const coding = headers['content-encoding'] ?? 'identity'
  if (coding !== 'identity')
    throw new EgressError(`answered in the coding ${coding}, which was not asked for`, {
      fault: 'coded',
    })
  const tooLarge = (): EgressError =>
    new EgressError(`answered with more than ${maxBytes} bytes`, { fault: 'too-large' })
  if (Number(headers['content-length']) > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return { status, headers, body: Buffer.concat(chunks) }
}

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the deadline passed')), { once: true })
  })
