import type { Config } from '../config.ts'
import { localKey } from './local-key.ts'
import { adoptMasterKey, prepareMasterKey } from './master-key-file.ts'
import { rewrapKeys } from './rewrap-keys.ts'
import type { KeyUse } from './rotate-data-key.ts'

/**
 * A new master key in the file: it is on the disk before anything is wrapped with it, and takes the name of the former
 * one, which stays beside it, when everything is. Cut off anywhere, one of the keys in the folder opens the database.
 * @returns how many keys were wrapped anew
 */
export async function replaceMasterKey(config: Config, use: KeyUse): Promise<number> {
  const kek = localKey(prepareMasterKey(config))
  const wrapped = await rewrapKeys(use, kek)
  adoptMasterKey(config, kek.id())
  return wrapped
}
