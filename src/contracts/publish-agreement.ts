import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Transaction } from 'kysely'
import { recordAction } from '#audit'
import { lockFor } from '#platform/database'
import { currentAgreement, insertAgreement, listAgreements } from './agreement-store.ts'
import type { Contracting } from './needs.ts'
import type { ContractTables } from './tables.ts'

/** The text that every production contract rests on. */
export const termsName = 'production-terms'

/** Makes the text beside this module the newest version of the terms, unless it has been one. */
export async function publishAgreement(
  { outbox, newId, clock }: Contracting,
  trx: Transaction<ContractTables>,
): Promise<void> {
  const text = await readFile(new URL('agreement.md', import.meta.url), 'utf8')
  const sha256 = createHash('sha256').update(text, 'utf8').digest('hex')
  await lockFor(trx, 'contracts.agreement')
  const known = await listAgreements(trx)
  if (known.some((agreement) => agreement.sha256 === sha256)) return
  const newest = await currentAgreement(trx, termsName)
  const id = newId('agreement')
  const version = (newest?.version ?? 0) + 1
  await insertAgreement(trx, {
    id,
    name: termsName,
    version,
    text,
    sha256,
    effective_from: clock.now(),
  })
  await recordAction(outbox, trx, {
    actor: { kind: 'system', id: 'contracts' },
    action: 'agreement.published',
    target: id,
    detail: { name: termsName, version, sha256 },
  })
}
