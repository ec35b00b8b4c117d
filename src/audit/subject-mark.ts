import type { Platform } from '#platform/module'
import type { Subject } from './evidence.ts'
import { createSubjectKeys } from './subject-keys.ts'

/**
 * What a subscriber is called in an action, which stays for ever: the same for one subscriber, found again from their
 * number for as long as their key is kept, and leading to nobody when they were erased.
 * @example target: await markOfSubject(platform, { environment, pseudonym })
 * @public
 */
export async function markOfSubject(
  platform: Pick<Platform, 'database' | 'sealing' | 'clock'>,
  subject: Subject,
): Promise<string> {
  // Keys are read anew: one that was destroyed meanwhile would make a mark that is never found again.
  const keys = createSubjectKeys(platform)
  const [own] = (await keys.keysOf(await keys.epoch(), [subject])).values()
  if (own === undefined) throw new Error('a key that was just made is not there')
  return `subscriber:${own.keyedHash('mark')}`
}
