import { createHash } from 'node:crypto'
import type { CheckpointPlatform } from './checkpoints.ts'
import type { Place } from './evidence-place.ts'
import { type ExportedBundle, keysBefore } from './export-bundle.ts'
import { logKey } from './log-key.ts'
import { searchEvidence } from './search-evidence.ts'
import type { AuditTables } from './tables.ts'
import { listFormat, sealText } from './verify.mjs'

/** The calls about people of one partner in a time. @public */
export type ExportPeriod = { partnerId: string; from: Date; to: Date }

const pageSize = 100

/**
 * One line for each call, newest first, and a last one that seals how many there are and what they hash to: so a line that
 * is taken away is found. Made line by line, however many there are.
 */
export async function* exportPeriod(
  platform: CheckpointPlatform,
  { partnerId, from, to }: ExportPeriod,
  exportOne: (exchangeId: string) => Promise<ExportedBundle | undefined>,
): AsyncGenerator<string> {
  const db = platform.database.as<AuditTables>()
  const filter = {
    ...{ of: ['exchange'] as const, from, to, partnerId },
    ...{ environment: undefined, applicationId: undefined, apiId: undefined },
    ...{ purpose: undefined, basis: undefined, subject: undefined },
  }
  const digest = createHash('sha256')
  let count = 0
  for (let before: Place | undefined; ; ) {
    const found = await searchEvidence(db, filter, { before, limit: pageSize })
    // Of a partner that is named, all is found.
    if (found === 'too-wide') throw new Error('what a named partner calls is too much to search')
    for (const { id } of found) {
      const bundle = await exportOne(id)
      // Gone by its age since it was found.
      if (bundle === undefined) continue
      const line = `${JSON.stringify(JSON.parse(bundle.json))}\n`
      digest.update(line)
      count += 1
      yield line
    }
    before = found.at(-1)
    if (found.length < pageSize) break
  }
  yield await sealLine(platform, {
    ...{ format: listFormat, partnerId, from: from.toISOString(), to: to.toISOString() },
    ...{ exportedAt: platform.clock.now().toISOString(), count, sha256: digest.digest('hex') },
  })
}

async function sealLine(
  platform: CheckpointPlatform,
  contents: Readonly<Record<string, string | number>>,
): Promise<string> {
  const db = platform.database.as<AuditTables>()
  const key = await db.transaction().execute((trx) => logKey(trx, platform))
  // Who knows a former key is led to this one, also by a list of nothing.
  const continuity = await keysBefore(db, key.publicKey)
  const list: unknown = JSON.parse(JSON.stringify({ ...contents, key: key.publicKey, continuity }))
  const seal = key.sign(sealText(key.origin, list))
  return `${JSON.stringify({ ...(list as object), seal })}\n`
}
