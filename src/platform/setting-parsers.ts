import ipaddr from 'ipaddr.js'

/** One environment variable: how it is read, and what `wayleave doctor` says of it. */
export type Setting<T> = {
  /** One line for `wayleave doctor` and the documentation. */
  about: string
  parse: (text: string) => T
  secret?: boolean
}

export const text = (value: string): string => value
export const port = (value: string): number => {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new Error('must be a port from 1 to 65535')
  return number
}
export const portBase = (value: string): number => {
  const number = port(value)
  if (number > 65_515)
    throw new Error('must leave room for the 20 ports of the block: at most 65515')
  return number
}
export const httpUrl = (value: string): string => {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Error('must be an http or https URL')
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('must have no user, query or fragment')
  return value.replace(/\/+$/, '')
}
export const httpsUrl = (value: string): string => {
  if (!/^https:/i.test(value)) throw new Error('must be an https URL')
  return httpUrl(value)
}
export const traceUrl = (value: string): string => {
  const url = URL.parse(value.replace('{traceId}', '0'))
  if (url === null || !/^https?:$/.test(url.protocol) || !value.includes('{traceId}'))
    throw new Error('must be an http or https URL with {traceId} in it')
  return value
}
export const postgresUrl = (value: string): string => {
  const url = URL.parse(value)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    throw new Error('must be a postgresql:// URL')
  return value
}
export const redisUrl = (value: string): string => {
  const url = URL.parse(value)
  if (url === null || !/^rediss?:$/.test(url.protocol))
    throw new Error('must be a redis:// or rediss:// URL')
  return value
}
export const countUpTo =
  (most: number) =>
  (value: string): number => {
    const number = Number(value)
    if (!Number.isInteger(number) || number < 1 || number > most)
      throw new Error(`must be a number from 1 to ${most}`)
    return number
  }
export const share = (value: string): number => {
  const number = Number(value)
  if (!(number >= 0 && number <= 1)) throw new Error('must be a number from 0 to 1')
  return number
}
export const networks = (value: string): readonly string[] =>
  value.split(',').map((item) => {
    const network = item.trim()
    if (!ipaddr.isValidCIDR(network))
      throw new Error('must be networks such as 10.0.0.0/8, ::1/128')
    return network
  })
/** Networks whose hosts may be called: never all of them, which would open what is closed for good reason. */
export const someNetworks = (value: string): readonly string[] => {
  const named = networks(value)
  if (named.some((network) => network.endsWith('/0')))
    throw new Error('must not hold every address: then what is inside could be called by everybody')
  return named
}
export const hostNames = (value: string): readonly string[] =>
  value.split(',').map((item) => {
    const name = item.trim()
    const plain = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/
    if (!plain.test(name) || URL.parse(`http://${name}`) === null)
      throw new Error(
        'must be names or addresses without ports: gateway.internal, 192.0.2.7, [::1]',
      )
    return name
  })
export const lameDuck = (value: string): number => {
  const seconds = Number(value)
  if (value.trim() === '' || !(seconds >= 0 && seconds <= 15))
    throw new Error('must be a number of seconds from 0 to 15')
  return seconds
}
export const smtpUrl = (value: string): string => {
  const url = URL.parse(value)
  if (url === null || !/^smtps?:$/.test(url.protocol))
    throw new Error('must be an smtp:// or smtps:// URL')
  return value
}
export const oneOf =
  <const T extends string>(...values: T[]) =>
  (value: string): T => {
    const found = values.find((v) => v === value)
    if (found === undefined) throw new Error(`must be one of ${values.join(', ')}`)
    return found
  }
export const currency = (value: string): string => {
  if (!/^[A-Z]{3}$/.test(value)) throw new Error('must be an ISO 4217 code such as EUR')
  return value
}
export const setting = <T>(
  about: string,
  parse: (value: string) => T,
  secret = false,
): Setting<T> => ({
  about,
  parse,
  secret,
})
