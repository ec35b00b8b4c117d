import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import {
  createAudit,
  fileSink,
  type LeafName,
  Refused,
  readCheckpointLines,
  tellProven,
  verifyBundle,
} from '#audit'
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

/** One file that proves one leaf. */
export const runAuditExport = (
  config: Config,
  name: LeafName,
  out: string | undefined,
): Promise<CommandResult> =>
  withEvidence(config, undefined, async ({ audit }) => {
    const bundle = await audit.exportBundle(name)
    if (bundle === undefined)
      throw new CommandError(
        'id' in name
          ? `there is no evidence of ${name.kind} ${name.id}; what happened a moment ago may still be on its way`
          : `there is no leaf ${name.position}`,
      )
    if (out === undefined) return { data: JSON.parse(bundle), text: bundle.trimEnd() }
    try {
      writeFileSync(out, bundle, { flag: 'wx', mode: 0o600 })
    } catch (cause) {
      throw new CommandError(
        `${out} cannot be written: ${cause instanceof Error ? cause.message : cause}`,
        { cause },
      )
    }
    return { data: { file: out }, text: `Written: ${out}` }
  })

/** As `verify.mjs` does it, offline. */
export function runVerifyBundle(
  file: string,
  known: { key: string | undefined; checkpoints: string | undefined },
): CommandResult {
  try {
    const checkpoints =
      known.checkpoints === undefined
        ? undefined
        : readCheckpointLines(readFileSync(known.checkpoints, 'utf8')).map(
            (line) => line.checkpoint,
          )
    const given = { key: known.key, checkpoints }
    const proven = verifyBundle(readFileSync(file), given)
    return { data: { ok: true, ...proven }, text: tellProven(proven, given) }
  } catch (error) {
    if (!(error instanceof Refused)) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new CommandError(reason, { cause: error })
    }
    const reason = error.message
    return { data: { ok: false, reason }, text: `NOT verified: ${reason}`, exitCode: 1 }
  }
}
