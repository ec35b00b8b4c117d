import { createWriteStream, existsSync, writeFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import {
  createAudit,
  type EvidenceName,
  type ExportPeriod,
  Refused,
  readCheckpointFile,
  tellPath,
} from '#audit'
import { createCatalog } from '#catalog'
import { CommandError, type CommandResult } from '#cli'
import { exchangesOfCorrelator } from '#metering'
import { createPartnerDirectory } from '#partners'
import type { Config } from '#platform/config'
import type { Platform } from '#platform/module'
import { adviceOn } from './advice-on-verification.ts'
import { createPlatform } from './create-platform.ts'
import { createDescribeExchange } from './describe-exchange.ts'
import { evidenceSinks } from './evidence-sinks.ts'

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
    const { clock } = platform
    const sinks = evidenceSinks({ ...config, evidenceDir: folder ?? config.evidenceDir }, clock)
    const describe = createDescribeExchange(platform, {
      partners: createPartnerDirectory(platform),
      catalog: createCatalog(platform),
    })
    return await work({ platform, audit: createAudit(platform, { sinks, describe }) })
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
      const text = `NOT verified${where}: ${report.reason}\n${adviceOn(report.reason)}`
      return { data: report, text, exitCode: 1 }
    }
    const { leaves, root, checkpoints } = report
    const covered =
      checkpoints.exported === 0
        ? 'No checkpoint was exported yet: nothing outside the database confirms it.'
        : `${checkpoints.exported} exported checkpoints confirm it, the newest at ${checkpoints.newestSize} leaves.`
    return { data: report, text: `Verified: ${leaves} leaves, root ${root}.\n${covered}` }
  })

/** A new key for the log. */
export const runRotateLogKey = (config: Config): Promise<CommandResult> =>
  withEvidence(config, undefined, async ({ audit }) => {
    const { previous, key } = await audit.rotateKey({ kind: 'system', id: 'command-line' })
    return {
      data: { previous, key },
      text: `The evidence is signed with this key from now on, publish it: ${key}\nThe former one verifies what it signed, and vouches for it: ${previous}`,
    }
  })

/** One file that proves one thing: as a page when its name ends in .html, else as JSON. */
export const runAuditExport = (
  config: Config,
  name: EvidenceName,
  out: string | undefined,
): Promise<CommandResult> =>
  withEvidence(config, undefined, async ({ platform, audit }) => {
    const wanted = 'exchange' in name ? await exchangeNamed(platform, name.exchange) : name
    const bundle = await audit.exportBundle(wanted)
    if (bundle === undefined) throw new CommandError(nothingOf(wanted))
    if (out === undefined) return { data: JSON.parse(bundle.json), text: bundle.json.trimEnd() }
    try {
      const text = /\.html?$/i.test(out) ? bundle.page : bundle.json
      writeFileSync(out, text, { flag: 'wx', mode: 0o600 })
    } catch (cause) {
      throw new CommandError(
        `${out} cannot be written: ${cause instanceof Error ? cause.message : cause}`,
        { cause },
      )
    }
    return { data: { file: out }, text: `Written: ${out}` }
  })

/** All calls of a partner in a time as one file, line by line: it may be larger than the memory. */
export const runAuditExportPeriod = (
  config: Config,
  period: ExportPeriod,
  out: string,
): Promise<CommandResult> =>
  withEvidence(config, undefined, async ({ platform, audit }) => {
    // A sealed list of nothing would prove that somebody who is not there did nothing.
    if ((await createPartnerDirectory(platform).getPartner(period.partnerId)) === undefined)
      throw new CommandError(`there is no partner ${period.partnerId}`)
    let calls = -1
    try {
      const file = createWriteStream(out, { flags: 'wx', mode: 0o600 })
      const lines = async function* () {
        for await (const line of audit.exportPeriod(period)) {
          calls += 1
          yield line
        }
      }
      await pipeline(lines, file)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new CommandError(`${out} was not written to its end: ${why}`, { cause })
    }
    return { data: { file: out, calls }, text: `Written: ${out}, ${calls} calls` }
  })

/** An exchange by its id or by what its caller sent as x-correlator. */
async function exchangeNamed(platform: Platform, given: string): Promise<{ exchange: string }> {
  if (/^exc_\w+$/.test(given)) return { exchange: given }
  const ids = await exchangesOfCorrelator(platform, given)
  const [only] = ids
  if (only === undefined)
    throw new CommandError(`there is no exchange with the x-correlator ${given}`)
  if (ids.length > 1)
    throw new CommandError(
      `${ids.length} exchanges have this x-correlator; name one of them: ${ids.join(', ')}`,
    )
  return { exchange: only }
}

function nothingOf(name: EvidenceName): string {
  if ('position' in name)
    return `there is no leaf ${name.position}, or its contents have gone by their age`
  const what = 'exchange' in name ? `exchange ${name.exchange}` : `${name.kind} ${name.id}`
  return `there is no evidence of ${what}: it was about nobody, has gone by its age, or happened a moment ago and is still on its way`
}

/** As `verify.mjs` does it, offline. */
export function runVerifyBundle(
  file: string,
  known: { key: string | undefined; checkpoints: string | undefined },
): CommandResult {
  try {
    const checkpoints =
      known.checkpoints === undefined
        ? undefined
        : readCheckpointFile(known.checkpoints).map((line) => line.checkpoint)
    const given = { key: known.key, checkpoints }
    const text = tellPath(file, given)
    return { data: { ok: true, told: text }, text }
  } catch (error) {
    if (!(error instanceof Refused)) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new CommandError(reason, { cause: error })
    }
    const reason = error.message
    return { data: { ok: false, reason }, text: `NOT verified: ${reason}`, exitCode: 1 }
  }
}
