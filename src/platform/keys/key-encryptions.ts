import type { Config } from '../config.ts'
import type { KeyPlace } from '../key-settings.ts'
import { awsKms } from './aws-kms.ts'
import type { KeyEncryption } from './key-encryption.ts'
import { localKey } from './local-key.ts'
import { formerMasterKeys, readMasterKeyFile } from './master-key-file.ts'
import { vaultTransit } from './vault-transit.ts'

/** What this process is configured to wrap and open keys with. */
export interface KeyEncryptions {
  /** wraps from now on */
  primary(): KeyEncryption
  /** opens what it wrapped: the primary one, or one that is being replaced */
  find(id: string): KeyEncryption | undefined
  /** the master keys that this process can read, the present one first: of them one made the first releases' database */
  masterKeys(): readonly Buffer[]
}

/**
 * Files are read anew each time, so that a running process learns of a new master key.
 * @throws when the master key cannot be had, with what to do
 */
export function keyEncryptions(config: Config, options: { create: boolean }): KeyEncryptions {
  const { place, previousPlace, previousSecretKey } = config.keys
  const places = previousPlace === undefined ? [place] : [place, previousPlace]
  const remote = new Map<KeyPlace, KeyEncryption>()
  for (const one of places) if (one.kind !== 'file') remote.set(one, remoteKey(one, config))

  const masterKeys = (create: boolean): Buffer[] => {
    const extra = previousSecretKey === undefined ? [] : [previousSecretKey]
    if (config.secretKey !== undefined) return [config.secretKey, ...extra]
    return [readMasterKeyFile(config, { create }), ...formerMasterKeys(config), ...extra]
  }
  const local = (create: boolean): KeyEncryption[] =>
    places.some(({ kind }) => kind === 'file') ? masterKeys(create).map(localKey) : []

  return {
    primary() {
      const one = remote.get(place) ?? local(options.create)[0]
      if (one === undefined) throw new Error('there is no master key')
      return one
    },
    find: (id) => [...remote.values(), ...local(false)].find((one) => one.id() === id),
    masterKeys: () => masterKeys(false),
  }
}

function remoteKey(place: Exclude<KeyPlace, { kind: 'file' }>, config: Config): KeyEncryption {
  if (place.kind === 'aws-kms') return awsKms(place.key, config)
  return vaultTransit(place, config.keys.vault)
}
