import { existsSync } from 'node:fs'
import { createAudit, fileSink } from '#audit'
import { CommandError, type CommandResult } from '#cli'
import type { Config } from '#platform/config'
import type { Platform } from '#platform/module'
import { createPlatform } from './create-platform.ts'

type Evidence = { platform: Platform; audit: ReturnType<typeof createAudit> }

async function withEvidence<T>(
  config: Config,
  folder: string | undefined,
  work: (evidence: Evidence) => Promise<T>,
): Promise<T> {
  // A folder that was named wrongly would prove nothing, and look like proof.
  if (folder !== undefined && !existsSync(folder))
    throw new CommandError(`there is no folder ${folder}`, { exitCode: 2 })
  const platform = await createPlatform(config, 'audit', 'silent')
  try {
    const sinks = [fileSink(folder ?? config.evidenceDir)]
    return await work({ platform, audit: createAudit(platform, { sinks }) })
  } finally {
    await platform.database.close()
  }
}

/** The whole log against itself and everything that was signed. */
export const runAuditVerify = (
  config: Config,
  folder: string | undefined,
): Promise<CommandResult> =>
  withEvidence(config, folder, async ({ audit }) => {
    const report = await audit.verifyLog()
    if (!report.ok) {
      const where = report.at === null ? '' : ` (leaf ${report.at})`
      return { data: report, text: `NOT verified${where}: ${report.reason}`, exitCode: 1 }
    }
    const { leaves, root, checkpoints } = report
    const covered =
      checkpoints.exported === 0
        ? 'No checkpoint was exported yet: nothing outside the database confirms it.'
        : `${checkpoints.exported} exported checkpoints confirm it, the newest at ${checkpoints.newestSize} leaves.`
    return { data: report, text: `Verified: ${leaves} leaves, root ${root}.\n${covered}` }
  })
