import { type Kysely, sql, type Transaction } from 'kysely'
import type { Platform } from '#platform/module'
import { isOwedAbout } from '#platform/past-events'
import { erasureContext } from './erase-subscriber.ts'
import { erasureActions, faultOfErasure } from './erasure-told.ts'
import { oldestAction } from './store.ts'
import { wrappedKeyContext } from './subject-keys.ts'
import type { AuditTables, ErasureRow, SubjectRow } from './tables.ts'
import type { Removed } from './verify-contents.ts'

type Db = Kysely<AuditTables>

/** What stands beside the log, and decides what becomes of evidence. @returns what does not hold */
export const faultOfTables = async (
  db: Db,
  sealing: Platform['sealing'],
  removed: Removed,
): Promise<string | undefined> =>
  (await faultOfMoments(db)) ??
  (await faultOfEpoch(db)) ??
  (await faultOfDays(db)) ??
  (await faultOfSubjects(db, sealing)) ??
  (await faultOfErasures(db, sealing, removed))

const first = async (query: ReturnType<typeof sql<{ fault: string | null }>>, db: Db) =>
  (await query.execute(db)).rows[0]?.fault ?? undefined

/** Hashed are milliseconds: a moment between two of them would be found in another order, and told the same. */
const faultOfMoments = (db: Db): Promise<string | undefined> =>
  first(
    sql`
      select 'the time of ' || what || ' is not one that was written down: it is finer than a millisecond' as fault from (
        (select 'action ' || event_id as what from audit.entry
          where occurred_at <> date_trunc('milliseconds', occurred_at) limit 1)
        union all (select kind || ' ' || id from audit.evidence
          where at <> date_trunc('milliseconds', at) or appended_at <> date_trunc('milliseconds', appended_at) limit 1)
        union all (select 'the checkpoint of ' || size || ' leaves' from audit.checkpoint
          where made_at <> date_trunc('milliseconds', made_at) limit 1)
        union all (select 'exchanges ' || leaf_id from audit.segment
          where from_at <> date_trunc('milliseconds', from_at) or to_at <> date_trunc('milliseconds', to_at) limit 1)
        union all (select 'the key ' || id from audit.signing_key
          where made_at <> date_trunc('milliseconds', made_at) limit 1)
        union all (select 'the erasure ' || id from audit.erasure where asked_at <> date_trunc('milliseconds', asked_at)
          or expires_at <> date_trunc('milliseconds', expires_at)
          or decided_at <> date_trunc('milliseconds', decided_at) limit 1)
      ) as finer limit 1`,
    db,
  )

/** It only grows, by one for each erasure at least: set back, a process could go on with keys that were destroyed. */
const faultOfEpoch = (db: Db): Promise<string | undefined> =>
  first(
    sql`
      select case when count(*) <> 1 or coalesce(max(value), -1) <
        (select count(*) from audit.evidence where kind = 'erasure')
        then 'key_epoch was set back: keys were destroyed more often than it says' end as fault
      from audit.key_epoch`,
    db,
  )

/** A day is open while its table is there, and what retention took away of it is told with the same time. */
const faultOfDays = (db: Db): Promise<string | undefined> =>
  first(
    sql`
      with there as (
        select to_date(right(c.relname, 8), 'YYYYMMDD') as day
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = (select p.oid from pg_class p join pg_namespace n on n.oid = p.relnamespace
          where n.nspname = 'audit' and p.relname = 'segment')
      ), told as (
        select record::jsonb ->> 'at' as at, count(*) as days from audit.evidence
        where kind = 'retention' and record::jsonb ->> 'of' = 'exchanges' group by 1
      )
      select coalesce(
        (select 'the day ' || d.day || ' is written down as ' ||
            case when d.dropped_at is null then 'kept, and its calls are not there' else 'gone, and its calls are there' end
          from audit.evidence_day d left join there t on t.day = d.day
          where (d.dropped_at is null) <> (t.day is not null) order by d.day limit 1),
        (select 'the day ' || t.day || ' is there, and not written down' from there t
          where not exists (select from audit.evidence_day d where d.day = t.day) order by t.day limit 1),
        (select 'the day ' || day || ' is written down as gone before it was over' from audit.evidence_day
          where dropped_at <= day order by day limit 1),
        (select 'retention took away the calls of ' || t.days || ' days at ' || t.at || ', and they are not written down as gone then'
          from told t where t.days > (
            select count(*) from audit.evidence_day d
            where date_trunc('milliseconds', d.dropped_at) = t.at::timestamptz) limit 1)
      ) as fault`,
    db,
  )

const subjectsAtOnce = 5_000

/** Also keys that nothing was sealed with yet: what marks a subscriber in actions is made with them. */
async function faultOfSubjects(db: Db, sealing: Platform['sealing']): Promise<string | undefined> {
  const lost = await first(
    sql`
      select 'the key of the personal values ' || p.id || ' is missing, and nothing in the log says why' as fault
      from audit.personal p where not exists (select from audit.subject s where s.id = p.subject_id) limit 1`,
    db,
  )
  if (lost !== undefined) return lost
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom('audit.subject')
      .select(['id', 'environment', 'pseudonym', 'wrapped_key'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(subjectsAtOnce)
      .execute()
    const closed = rows.find((row) => !opens(() => openKey(sealing, row)))
    if (closed !== undefined) return `the key of subscriber ${closed.id} cannot be opened`
    if (rows.length < subjectsAtOnce) return undefined
    after = rows.at(-1)?.id ?? after
  }
}

const openKey = (
  sealing: Platform['sealing'],
  row: Pick<SubjectRow, 'environment' | 'pseudonym' | 'wrapped_key'>,
): unknown => sealing.openDataKey(row.wrapped_key, wrappedKeyContext(row))

function opens(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

/** Who asked for an erasure and who decided is told by actions, and the rows say the same. */
async function faultOfErasures(
  db: Db,
  sealing: Platform['sealing'],
  removed: Removed,
): Promise<string | undefined> {
  const rows = await db.selectFrom('audit.erasure').selectAll().orderBy('id').execute()
  const told = await db
    .selectFrom('audit.entry')
    .select(['action', 'actor_id', 'detail', 'target'])
    .where('action', 'in', erasureActions)
    .execute()
  const byErasure = Map.groupBy(told, ({ target }) => target)
  const gone = removed.leavesOf('action') === 0 ? undefined : await oldestAction(db)
  for (const row of rows) {
    const number = row.sealed_number
    if (number !== null && !opens(() => sealing.open(number, erasureContext(row.id))))
      return `the number that the erasure ${row.id} is about cannot be opened`
    const actions = byErasure.get(row.id) ?? []
    const fault = faultOfErasure(row, actions)
    if (fault === undefined) continue
    if (fault !== 'untold') return fault
    if (isExcused(row, actions, gone)) continue
    // An action that was done a moment ago is on its way to the log.
    if (await isOwedAbout(db as Transaction<AuditTables>, row.id)) continue
    return `nothing in the log tells that the erasure ${row.id} is ${row.state}`
  }
  const lost = told.find(({ target }) => !rows.some(({ id }) => id === target))
  return lost && `the log tells of ${lost.action} ${lost.target}, and this erasure is not there`
}

/** What has gone by its age, and what an earlier version did not tell. */
function isExcused(
  row: ErasureRow,
  actions: readonly { detail: unknown }[],
  gone: Date | undefined,
): boolean {
  if (gone !== undefined && row.asked_at < gone) return true
  const [asked] = actions
  return (
    row.state === 'expired' &&
    asked !== undefined &&
    (asked.detail as { expiresAt?: unknown }).expiresAt === undefined
  )
}
