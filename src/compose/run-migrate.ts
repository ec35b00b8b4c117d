import type { CommandResult } from '#cli'
import type { Config } from '#platform/config'
import { databaseUrlOf } from './create-platform.ts'
import { prepareDatabase } from './prepare-database.ts'
import { heldBy } from './role-environment.ts'

const elsewhere = ['gateway-production', 'gateway-sandbox', 'sandbox'] as const

/** Brings the schema up to date. `showRoles` also tells what the processes that hold no master key are started with. */
export async function runMigrate(config: Config, showRoles: boolean): Promise<CommandResult> {
  const prepared = await prepareDatabase(config, databaseUrlOf(config))
  const { applied } = prepared
  const roles = Object.fromEntries(elsewhere.map((role) => [role, heldBy(role, prepared)]))
  const lines =
    applied.length === 0 ? ['The schema is up to date.'] : applied.map((name) => `applied ${name}`)
  if (showRoles) {
    for (const [role, variables] of Object.entries(roles)) {
      lines.push('', `# ${role}`)
      for (const [name, value] of Object.entries(variables)) lines.push(`${name}='${value}'`)
    }
  }
  return { data: { applied, ...(showRoles ? { roles } : {}) }, text: lines.join('\n') }
}
