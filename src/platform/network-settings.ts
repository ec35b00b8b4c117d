import { existsSync } from 'node:fs'
import ipaddr from 'ipaddr.js'

const setting = <T>(about: string, parse: (value: string) => T, secret = false) => ({
  about,
  parse,
  secret,
})
const text = (value: string): string => value

const networks = (value: string): readonly string[] =>
  value.split(',').map((item) => {
    const network = item.trim()
    if (!ipaddr.isValidCIDR(network))
      throw new Error('must be networks such as 10.20.0.0/16, 2001:db8:20::/48')
    if (network.endsWith('/0'))
      throw new Error('must not hold every address: whoever is in it may say who a subscriber is')
    return network
  })

// Fields with a meaning of their own, some of which every client may send.
const taken =
  /^(authorization|cookie|host|forwarded|via|dpop|client-cert.*|x-forwarded-.*|content-.*)$/

const fieldName = (value: string): string => {
  const name = value.toLowerCase()
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name))
    throw new Error('must be the name of a header field of letters, digits and -, such as x-msisdn')
  if (taken.test(name)) throw new Error('has another meaning: use a field of its own')
  return name
}

const prefixes = (value: string): readonly string[] =>
  value.split(',').map((item) => {
    const prefix = item.trim()
    if (!/^\+[1-9][0-9]{0,13}$/.test(prefix))
      throw new Error('must be beginnings of numbers such as +35191, +35193')
    if (prefix.startsWith('+990')) throw new Error('must not be numbers of the sandbox')
    return prefix
  })

/** Numbers and a secret go there: encrypted, or on this machine. */
const lookupUrl = (value: string): string => {
  const url = URL.parse(value)
  const local = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && local)))
    throw new Error('must be an https URL; http only to this machine (localhost)')
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('must have no user, query or fragment')
  return value
}

const file = (value: string): string => {
  if (!existsSync(value)) throw new Error('is no file that can be read')
  return value
}

/** The settings of network authentication; `docs/guides/network-authentication.md` tells what they are for. */
export const networkSettings = {
  WAYLEAVE_SUBSCRIBER_NUMBERS: setting(
    'beginnings of the numbers of this operator: +35191, +35193; without it every number may be one',
    prefixes,
  ),
  WAYLEAVE_ENRICHED_HEADER: setting(
    'header field that the mobile network puts the number of a subscriber into, such as x-msisdn',
    fieldName,
  ),
  WAYLEAVE_ENRICHED_NETWORKS: setting(
    'networks of the gateways that write this field: 10.20.0.0/16; from others it is dropped',
    networks,
  ),
  WAYLEAVE_NUMBER_LOOKUP_URL: setting(
    "the operator's service that tells the number behind an address and port, or a TS.43 token",
    lookupUrl,
  ),
  WAYLEAVE_NUMBER_LOOKUP_TOKEN: setting('bearer secret that it is asked with', text, true),
  WAYLEAVE_NUMBER_LOOKUP_CA_FILE: setting(
    'CA certificates (PEM) that its certificate may come from, instead of those of the system',
    file,
  ),
  WAYLEAVE_NUMBER_LOOKUP_CERTIFICATE_FILE: setting(
    'client certificate (PEM) that it is asked with',
    file,
  ),
  WAYLEAVE_NUMBER_LOOKUP_KEY_FILE: setting('private key (PEM) of that certificate', file),
} as const

type NetworkValues = {
  [K in keyof typeof networkSettings]?: ReturnType<(typeof networkSettings)[K]['parse']>
}

/**
 * How subscribers are known by their network; part of the configuration.
 * @public
 */
export type NetworkConfig = Readonly<{
  /** beginnings of the operator's own numbers; empty when every number may be one */
  numbers: readonly string[]
  enrichment: { header: string; networks: readonly string[] } | undefined
  lookup:
    | {
        url: string
        token: string | undefined
        caFile: string | undefined
        certificateFile: string | undefined
        keyFile: string | undefined
      }
    | undefined
}>

export function networkConfigOf(values: NetworkValues, faults: string[]): NetworkConfig {
  const header = values.WAYLEAVE_ENRICHED_HEADER
  const networksOf = values.WAYLEAVE_ENRICHED_NETWORKS
  if ((header === undefined) !== (networksOf === undefined))
    faults.push('WAYLEAVE_ENRICHED_HEADER and WAYLEAVE_ENRICHED_NETWORKS: set both, or neither')
  const certificateFile = values.WAYLEAVE_NUMBER_LOOKUP_CERTIFICATE_FILE
  const keyFile = values.WAYLEAVE_NUMBER_LOOKUP_KEY_FILE
  if ((certificateFile === undefined) !== (keyFile === undefined))
    faults.push(
      'WAYLEAVE_NUMBER_LOOKUP_CERTIFICATE_FILE and WAYLEAVE_NUMBER_LOOKUP_KEY_FILE: set both, or neither',
    )
  const url = values.WAYLEAVE_NUMBER_LOOKUP_URL
  const token = values.WAYLEAVE_NUMBER_LOOKUP_TOKEN
  if (url !== undefined && token === undefined && certificateFile === undefined)
    faults.push(
      'WAYLEAVE_NUMBER_LOOKUP_TOKEN: set it, or a client certificate: a service that anybody may ask tells everybody who is online',
    )
  return {
    numbers: values.WAYLEAVE_SUBSCRIBER_NUMBERS ?? [],
    enrichment:
      header === undefined || networksOf === undefined
        ? undefined
        : { header, networks: networksOf },
    lookup:
      url === undefined
        ? undefined
        : {
            url,
            token,
            caFile: values.WAYLEAVE_NUMBER_LOOKUP_CA_FILE,
            certificateFile,
            keyFile,
          },
  }
}
