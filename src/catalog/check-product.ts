import { checkConsent } from './check-legal-basis.ts'
import type { CheckedFile, Path } from './faults.ts'
import type { ProductFile } from './product-schema.ts'
import type { UpstreamDecision } from './product-upstream.ts'
import { fieldPath } from './product-values.ts'

/** What the schema of a manifest cannot say, and no document is needed for. */
export function checkProduct(file: CheckedFile, product: ProductFile): void {
  checkUpstreams(file, product)
  checkOrigins(file, product)
  checkDates(file, product)
  checkConsent(file, product.consent)
}

function checkUpstreams(file: CheckedFile, { upstream }: ProductFile): void {
  if (upstream === undefined) return
  for (const environment of ['sandbox', 'production'] as const) {
    const source = upstream[environment]
    if (source !== undefined && typeof source !== 'string')
      checkUpstream(file, source, ['upstream', environment])
  }
  const theirs = new Set(placesOf(upstream.production))
  if (placesOf(upstream.sandbox).some((place) => theirs.has(place)))
    file.fault(
      ['upstream', 'sandbox'],
      'is served where production is: calls of the sandbox must never reach a real network',
      { at: 'key' },
    )
}

function checkUpstream(file: CheckedFile, source: UpstreamDecision, at: Path): void {
  if ('function' in source && source.health !== undefined)
    file.fault([...at, 'health'], 'has no meaning for a function: it has no path to ask')
  const urls = 'targets' in source ? source.targets.map(({ url }) => plain(url)) : []
  if ('targets' in source) {
    for (const [index, url] of urls.entries())
      if (urls.indexOf(url) < index)
        file.fault(
          [...at, 'targets', index, 'url'],
          'is listed already: raise its `weight` instead',
        )
    if (source.targets.every(({ weight }) => weight === 0))
      file.fault([...at, 'targets'], 'have no weight: one of them must have more than 0')
  }
  for (const other of ['canary', 'shadow'] as const) {
    const url = source[other]?.url
    if (url !== undefined && urls.includes(plain(url)))
      file.fault([...at, other, 'url'], `is a target: a ${other} is another place`)
  }
  for (const field of Object.keys(source.shadow?.tolerances ?? {}))
    if (!new RegExp(fieldPath.pattern).test(field))
      file.fault([...at, 'shadow', 'tolerances', field], fieldPath.must, { at: 'key' })
}

/** One spelling of an address: `HTTPS://Host:443/x/` is `https://host/x`. */
function plain(url: string): string {
  try {
    return new URL(url).href.replace(/\/+$/, '')
  } catch {
    return url
  }
}

function placesOf(source: string | UpstreamDecision | undefined): string[] {
  if (source === undefined || source === 'simulated' || source === 'platform') return []
  if (typeof source === 'string') return [plain(source)]
  const others = [source.canary?.url, source.shadow?.url].flatMap((url) => url ?? [])
  const places = [...others, ...('targets' in source ? source.targets.map(({ url }) => url) : [])]
  if (!('function' in source)) return places.map(plain)
  const { name, region, endpoint = '', qualifier = '' } = source.function
  return [...places.map(plain), `function ${endpoint} ${region} ${name} ${qualifier}`]
}

/** An origin is compared as a text with what browsers send, so it must be written as they write it. */
function checkOrigins(file: CheckedFile, { cors }: ProductFile): void {
  for (const [index, origin] of (cors?.origins ?? []).entries()) {
    const message = originFault(origin)
    if (message !== undefined) file.fault(['cors', 'origins', index], message)
  }
}

function originFault(origin: string): string | undefined {
  if (origin.includes('*'))
    return 'names every origin or many: list each one as `https://app.example`'
  const url = URL.parse(origin)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'must be an origin, `https://host` or `https://host:port`'
  if (url.origin !== origin) return `must be the origin alone, as browsers send it: ${url.origin}`
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return url.protocol === 'https:' || isLocal
    ? undefined
    : 'must be https: only pages of localhost may do without'
}

function checkDates(file: CheckedFile, { deprecation }: ProductFile): void {
  if (deprecation === undefined) return
  for (const key of ['deprecatedAt', 'sunsetAt'] as const) {
    const text = deprecation[key]
    if (text !== undefined && !isInstant(text))
      file.fault(['deprecation', key], 'is no date of the calendar')
  }
  const { deprecatedAt, sunsetAt } = deprecation
  if (deprecatedAt === undefined || sunsetAt === undefined) return
  if (Date.parse(sunsetAt) <= Date.parse(deprecatedAt))
    file.fault(['deprecation', 'sunsetAt'], 'must be after `deprecatedAt`')
}

/** `Date.parse` takes the 30th of February for the 2nd of March, and Temporal a leap second, which no clock here has. */
function isInstant(text: string): boolean {
  try {
    Temporal.Instant.from(text)
    return !Number.isNaN(Date.parse(text))
  } catch {
    return false
  }
}
