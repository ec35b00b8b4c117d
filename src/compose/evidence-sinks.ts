import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { type CheckpointSink, fileSink, httpSink, syslogSink } from '#audit'
import type { Clock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createEgress } from '#platform/egress'

/** Networks that only an operator's own choice may lead to: a store of evidence often stands on the premises. */
const ownNetworks = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  '127.0.0.0/8',
  '::1/128',
]

/** Every place that signed checkpoints go to. */
export function evidenceSinks(
  { evidenceDir, evidenceSinks: { http, syslog } }: Pick<Config, 'evidenceDir' | 'evidenceSinks'>,
  clock: Clock,
): CheckpointSink[] {
  return [
    fileSink(evidenceDir),
    ...(http === undefined
      ? []
      : [httpSink({ ...http, egress: createEgress({ networks: ownNetworks }) })]),
    ...(syslog === undefined
      ? []
      : [
          syslogSink({
            url: syslog.url,
            ca: syslog.caFile === undefined ? undefined : readFileSync(syslog.caFile, 'utf8'),
            host: hostname(),
            clock,
          }),
        ]),
  ]
}
