import type { Config } from '#platform/config'
import { portFault, portOwner } from '#platform/port-owner'

type Wanted = { what: string; host: string; port: number; setting: string; url?: string }

/** Every port that the local run listens on. */
function wantedPorts(config: Config): Wanted[] {
  const { gateways, host, internalHost, portal, authorization, simulator, control } = config
  const { production, sandbox } = gateways
  const at = (what: string, port: number, setting: string, url: string): Wanted => ({
    ...{ what, host, port, url },
    setting: `WAYLEAVE_${setting}_PORT`,
  })
  const inside = (what: string, port: number, setting: string): Wanted => ({
    ...{ what, host: internalHost, port },
    setting: `WAYLEAVE_${setting}_PORT`,
  })
  return [
    at('portal', portal.port, 'PORTAL', portal.url),
    at('production gateway', production.port, 'GATEWAY_PRODUCTION', production.url),
    at('sandbox gateway', sandbox.port, 'GATEWAY_SANDBOX', sandbox.url),
    at('production gateway, TLS', production.tlsPort, 'GATEWAY_PRODUCTION_TLS', production.tlsUrl),
    at('sandbox gateway, TLS', sandbox.tlsPort, 'GATEWAY_SANDBOX_TLS', sandbox.tlsUrl),
    at('authorization servers', authorization.port, 'AUTHORIZATION', authorization.url),
    ...(authorization.tls === undefined
      ? []
      : [
          at(
            'authorization servers, TLS',
            authorization.tls.port,
            'AUTHORIZATION_TLS',
            authorization.tls.url,
          ),
        ]),
    inside('simulated operator', simulator.port, 'SIMULATOR'),
    inside('control, internal', control.internalPort, 'CONTROL_INTERNAL'),
    inside('authorization, internal', authorization.internalPort, 'AUTHORIZATION_INTERNAL'),
    inside('production gateway, internal', production.internalPort, 'GATEWAY_PRODUCTION_INTERNAL'),
    inside('sandbox gateway, internal', sandbox.internalPort, 'GATEWAY_SANDBOX_INTERNAL'),
    inside('simulated operator, internal', simulator.internalPort, 'SIMULATOR_INTERNAL'),
    ...(config.databaseUrl === undefined
      ? [
          {
            what: 'embedded PostgreSQL',
            host: '127.0.0.1',
            port: config.postgresPort,
            setting: 'WAYLEAVE_POSTGRES_PORT',
          },
        ]
      : []),
  ]
}

/** A port that cannot be used, by whom it is held as far as we may see, and what to do. */
export type PortFault = { text: string; owner: { pid: number; command: string } | undefined }

/** Every port that cannot be listened on now. */
export async function portFaults(config: Config): Promise<PortFault[]> {
  const faults: PortFault[] = []
  for (const wanted of wantedPorts(config)) {
    const { what, host, port, setting } = wanted
    const fault = (await portFault(host, port)) ?? (await hiddenFault(wanted))
    if (fault === undefined) continue
    const name = `port ${port} (${what})`
    if (fault === 'EACCES') {
      const text = `${name} needs rights that this account does not have: set ${setting} to 1024 or higher`
      faults.push({ text, owner: undefined })
    } else if (fault === 'EADDRNOTAVAIL' || fault === 'ENOTFOUND') {
      const text = `${name}: ${host} is no address of this machine: set WAYLEAVE_HOST or WAYLEAVE_INTERNAL_HOST`
      faults.push({ text, owner: undefined })
    } else {
      const owner = portOwner(port)
      const by =
        owner === undefined
          ? 'by a process that this account may not see'
          : `by process ${owner.pid} (${owner.command.slice(0, 120)})`
      faults.push({ text: `${name} is taken ${by}: free it, or set ${setting}`, owner })
    }
  }
  return faults
}

/** Another program on [::1] hides our 127.0.0.1: a browser asks "localhost" there first. */
async function hiddenFault({ host, port, url }: Wanted): Promise<string | undefined> {
  if (host !== '127.0.0.1' || url === undefined || new URL(url).hostname !== 'localhost')
    return undefined
  return (await portFault('::1', port)) === 'EADDRINUSE' ? 'EADDRINUSE' : undefined
}
