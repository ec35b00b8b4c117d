import path from 'node:path'
import type { CommandResult } from '#cli'
import type { Config } from '#platform/config'
import { ensureDatabaseRoles } from '#platform/database-roles'
import { loadMasterKey } from '#platform/master-key'
import { migrate } from '#platform/migrations'
import { createSealing } from '#platform/sealing'
import { migrated } from '../modules.ts'
import { databaseUrlOf } from './create-platform.ts'

export async function runMigrate(config: Config, showRoles: boolean): Promise<CommandResult> {
  const url = databaseUrlOf(config)
  const applied = await migrate(url, path.join(config.root, 'src'), migrated)
  const sealing = createSealing(loadMasterKey(config, { create: true }))
  const roles = await ensureDatabaseRoles(url, sealing)
  const tokens = {
    'WAYLEAVE_INTAKE_TOKEN (sandbox)': sealing.machineToken('intake:sandbox'),
    'WAYLEAVE_INTAKE_TOKEN (production)': sealing.machineToken('intake:production'),
    WAYLEAVE_UPSTREAM_TOKEN: sealing.machineToken('upstream:simulator'),
  }
  const lines =
    applied.length === 0 ? ['The schema is up to date.'] : applied.map((name) => `applied ${name}`)
  if (showRoles) {
    for (const [name, value] of [...Object.entries(roles), ...Object.entries(tokens)])
      lines.push(`${name}: ${value}`)
  }
  return { data: { applied, ...(showRoles ? { roles, tokens } : {}) }, text: lines.join('\n') }
}
