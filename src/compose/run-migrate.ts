import type { CommandResult } from '#cli'
import type { Config } from '#platform/config'
import { prepareDatabase } from './prepare-database.ts'
import { ownerUrlOf } from './role-database.ts'
import { heldBy } from './role-environment.ts'

const processes = [
  'control',
  'authorization',
  'gateway-production',
  'gateway-sandbox',
  'sandbox',
] as const

/** Brings the schema up to date. `showRoles` also tells what each process is started with. */
export async function runMigrate(config: Config, showRoles: boolean): Promise<CommandResult> {
  const prepared = await prepareDatabase(config, ownerUrlOf(config))
  const { applied } = prepared
  const roles = Object.fromEntries(processes.map((role) => [role, heldBy(role, prepared)]))
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
