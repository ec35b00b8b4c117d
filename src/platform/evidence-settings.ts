import { setting, text } from './setting-parsers.ts'

/** An address that the operator chose: encrypted, or on this machine. */
const sinkUrl = (value: string): string => {
  const url = URL.parse(value)
  const local = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && local)))
    throw new Error('must be an https URL; http only to this machine (localhost)')
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('must have no user, query or fragment')
  return value
}

const syslogUrl = (value: string): string => {
  const url = URL.parse(value)
  if (url === null || !/^(tls|tcp):$/.test(url.protocol) || url.hostname === '')
    throw new Error('must be tls://host:6514 or tcp://host:601')
  if (url.username !== '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    throw new Error('must have a host and a port only')
  return value
}

/** Where signed checkpoints of the evidence go besides the folder; `docs/guides/evidence.md` tells what they are for. */
export const evidenceSettings = {
  WAYLEAVE_EVIDENCE_HTTP_URL: setting(
    'server that signed checkpoints of the evidence are posted to, too',
    sinkUrl,
  ),
  WAYLEAVE_EVIDENCE_HTTP_TOKEN: setting('bearer secret that it is shown', text, true),
  WAYLEAVE_EVIDENCE_SYSLOG_URL: setting(
    'syslog collector that they are sent to, too: tls://host:6514 or tcp://host:601',
    syslogUrl,
  ),
  WAYLEAVE_EVIDENCE_SYSLOG_CA_FILE: setting(
    'CA certificates (PEM) of the collector, instead of those of the system',
    text,
  ),
} as const

type EvidenceValues = {
  [K in keyof typeof evidenceSettings]?: ReturnType<(typeof evidenceSettings)[K]['parse']>
}

/** Places in other hands that hold what was signed. @public */
export type EvidenceSinkConfig = Readonly<{
  http: { url: string; token: string | undefined } | undefined
  syslog: { url: string; caFile: string | undefined } | undefined
}>

export function evidenceConfigOf(values: EvidenceValues, faults: string[]): EvidenceSinkConfig {
  const url = values.WAYLEAVE_EVIDENCE_HTTP_URL
  const token = values.WAYLEAVE_EVIDENCE_HTTP_TOKEN
  const syslog = values.WAYLEAVE_EVIDENCE_SYSLOG_URL
  const caFile = values.WAYLEAVE_EVIDENCE_SYSLOG_CA_FILE
  if (url === undefined && token !== undefined)
    faults.push('WAYLEAVE_EVIDENCE_HTTP_TOKEN: set WAYLEAVE_EVIDENCE_HTTP_URL, too, or neither')
  if (caFile !== undefined && syslog?.startsWith('tls:') !== true)
    faults.push(
      'WAYLEAVE_EVIDENCE_SYSLOG_CA_FILE: set WAYLEAVE_EVIDENCE_SYSLOG_URL to a tls:// address, too',
    )
  return {
    http: url === undefined ? undefined : { url, token },
    syslog: syslog === undefined ? undefined : { url: syslog, caFile },
  }
}
