import { systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { createIds } from '#platform/ids'
import { createInternalServer } from '#platform/internal-server'
import { createLog } from '#platform/log'
import { superviseProcess } from '#platform/process-lifecycle'
import { createSandbox } from '#sandbox'
import { followSnapshot } from '#snapshot'
import { heldUpstreamToken } from './held-keys.ts'
import { roleUrlOf } from './role-database.ts'
import { tellSupervisor } from './tell-supervisor.ts'

/** The simulated operator, behind the sandbox gateway. */
export async function runSandbox(config: Config): Promise<void> {
  const log = createLog({ name: 'sandbox', level: config.logLevel })
  const databaseUrl = await roleUrlOf(config, 'simulator')
  const database = createDatabasePool(databaseUrl, { applicationName: 'wayleave sandbox', max: 6 })
  const sandbox = createSandbox({
    listen: { host: config.internalHost, port: config.simulator.port },
    upstreamToken: await heldUpstreamToken(config),
    follower: followSnapshot({ databaseUrl, environment: 'sandbox', log }),
    database,
    newId: createIds(systemClock),
    clock: systemClock,
    log,
  })
  const internal = createInternalServer({
    host: config.internalHost,
    port: config.simulator.internalPort,
    ready: () => sandbox.ready(),
  })
  superviseProcess({
    log,
    async stop() {
      await sandbox.stop()
      await internal.stop()
      await database.close()
    },
  })
  await internal.start()
  await sandbox.start()
  tellSupervisor({ type: 'ready' })
}
