import type { CommandResult } from '#cli'
import type { Config } from '#platform/config'
import { databaseUrlOf } from './create-platform.ts'
import { prepareDatabase } from './prepare-database.ts'

export async function runMigrate(config: Config, showRoles: boolean): Promise<CommandResult> {
  const prepared = await prepareDatabase(config, databaseUrlOf(config))
  const { applied, sealing, restricted: roles } = prepared
  const tokens = {
    'WAYLEAVE_INTAKE_TOKEN (sandbox)': sealing.machineToken('intake:sandbox'),
    'WAYLEAVE_INTAKE_TOKEN (production)': sealing.machineToken('intake:production'),
    'WAYLEAVE_GATEWAY_KEY (sandbox)': sealing.machineToken('gateway:sandbox'),
    'WAYLEAVE_GATEWAY_KEY (production)': sealing.machineToken('gateway:production'),
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
