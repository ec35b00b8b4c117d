import path from 'node:path'
import type { CommandResult } from '#cli'
import type { Config } from '#platform/config'
import { createPlatform } from './create-platform.ts'
import { wireControl } from './run-control.ts'

export async function runReconcile(
  config: Config,
  journalFolder: string | undefined,
): Promise<CommandResult> {
  const platform = await createPlatform(config, 'reconcile', 'silent')
  try {
    const { metering } = wireControl(platform)
    const report = await metering.reconcile({
      journalFolder: journalFolder ?? path.join(config.dataDir, 'journal'),
    })
    return { data: report, text: report.text, exitCode: report.agrees ? 0 : 1 }
  } finally {
    await platform.database.close()
  }
}
