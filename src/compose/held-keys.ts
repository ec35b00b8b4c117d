import { systemClock } from '#platform/clock'
import type { Config, Environment } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { createSealing, type Sealing } from '#platform/sealing'
import { ownerUrlOf } from './role-database.ts'

type HeldKeys = { sealing: Sealing; intakeToken: string; upstreamToken: string }

/**
 * What a gateway holds. It is started with it (`wayleave migrate --roles`) and so needs neither the database nor a key
 * service to start; one that is started by hand beside the master key takes it from the ring.
 */
export async function heldKeys(config: Config, environment: Environment): Promise<HeldKeys> {
  const { gatewayKey, intakeToken, upstreamToken } = config
  const needsUpstream = environment === 'sandbox'
  if (
    gatewayKey !== undefined &&
    intakeToken !== undefined &&
    (upstreamToken !== undefined || !needsUpstream)
  ) {
    const sealing = createSealing(gatewayKey)
    return { sealing, intakeToken, upstreamToken: upstreamToken ?? '' }
  }
  const root = await openRoot(config, `a gateway without what it is given`)
  return {
    sealing:
      gatewayKey === undefined ? root.child(`gateway:${environment}`) : createSealing(gatewayKey),
    intakeToken: intakeToken ?? root.machineToken(`intake:${environment}`),
    upstreamToken: upstreamToken ?? root.machineToken('upstream:simulator'),
  }
}

/** What the simulated operator asks its callers for. */
export async function heldUpstreamToken(config: Config): Promise<string> {
  if (config.upstreamToken !== undefined) return config.upstreamToken
  const root = await openRoot(config, 'a simulated operator without its token')
  return root.machineToken('upstream:simulator')
}

async function openRoot(config: Config, who: string): Promise<Sealing> {
  try {
    const { openKeys } = await import('#platform/keys/open-keys')
    const options = { applicationName: 'wayleave keys', max: 1 }
    const database = createDatabasePool(ownerUrlOf(config), options)
    try {
      return (await openKeys({ config, database, clock: systemClock, create: false })).sealing
    } finally {
      await database.close()
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `${who} needs the owner of the database and its master key (${reason}): start it with the variables that \`./wayleave migrate --roles\` prints`,
      { cause },
    )
  }
}
