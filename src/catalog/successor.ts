import { type Db, findLifecycle } from './store.ts'

/** Why a version cannot be the successor of another one, or nothing: partners must be able to go there. */
export async function successorFault(
  db: Db,
  apiId: string,
  successor: string,
): Promise<string | undefined> {
  if (successor === apiId) return 'cannot be the version itself'
  const lifecycle = await findLifecycle(db, successor)
  if (lifecycle === undefined) return `${successor} is no API version in the catalog`
  return lifecycle === 'draft' || lifecycle === 'retired'
    ? `${successor} is ${lifecycle}: partners cannot go there`
    : undefined
}
