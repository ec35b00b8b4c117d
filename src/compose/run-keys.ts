import { setTimeout as delay } from 'node:timers/promises'
import { CommandError, type CommandResult } from '#cli'
import type { Config } from '#platform/config'
import { keyPlaceText } from '#platform/key-settings'
import { type DataKeyRow, type KeyTables, listDataKeys } from '#platform/keys/key-store'
import { masterKeyFile } from '#platform/keys/master-key-file'
import type { InstallationKeys } from '#platform/keys/open-keys'
import { settleMasterKey } from '#platform/keys/prepare-keys'
import { replaceMasterKey } from '#platform/keys/replace-master-key'
import { countFormerValues } from '#platform/keys/reseal'
import { rewrapKeys } from '#platform/keys/rewrap-keys'
import { dueAfter, rotateDataKey } from '#platform/keys/rotate-data-key'
import type { Platform } from '#platform/module'
import { createPlatform } from './create-platform.ts'
import { keyUse } from './key-upkeep.ts'
import { sealedColumns } from './sealed-columns.ts'

type KeyPlatform = Platform & { keys: InstallationKeys }

async function withKeys<T>(
  config: Config,
  work: (platform: KeyPlatform) => Promise<T>,
): Promise<T> {
  const platform = await createPlatform(config, 'keys', 'silent')
  try {
    return await work(platform)
  } finally {
    await platform.database.close()
  }
}

const use = (platform: KeyPlatform) => keyUse(platform, { kind: 'system', id: 'command-line' })
const rowsOf = ({ database }: KeyPlatform) => listDataKeys(database.as<KeyTables>())

const shown = (row: DataKeyRow) => ({
  id: row.id,
  purpose: row.purpose,
  state: row.state,
  wrappedBy: row.kek,
  madeAt: row.made_at.toISOString(),
  currentAt: row.current_at?.toISOString() ?? null,
  previousAt: row.previous_at?.toISOString() ?? null,
  retiredAt: row.retired_at?.toISOString() ?? null,
})

/** The keys of the database, without a secret. */
export const runKeysList = (config: Config): Promise<CommandResult> =>
  withKeys(config, async (platform) => {
    const keys = (await rowsOf(platform)).map(shown)
    const lines = keys.map(
      ({ id, purpose, state, wrappedBy, madeAt }) =>
        `${id.padEnd(14)}${purpose.padEnd(6)}${state.padEnd(10)}${madeAt.slice(0, 16)}  ${wrappedBy ?? 'comes from the root key'}`,
    )
    return { data: { keys }, text: lines.join('\n') }
  })

/** What wraps the keys, whether it answers, and what is still to be done. */
export const runKeysStatus = (config: Config): Promise<CommandResult> =>
  withKeys(config, async (platform) => {
    const rows = await rowsOf(platform)
    const { keys, database, clock } = platform
    const primary = keys.encryptions.primary().id()
    const current = rows.find(({ purpose, state }) => purpose === 'seal' && state === 'current')
    const behind = rows.filter(({ kek }) => kek !== null && kek !== primary)
    const values = await countFormerValues(database.as<KeyTables>(), sealedColumns)
    const due = current !== undefined && dueAfter(config.keys.dataKeyDays)(current, clock.now())
    const since = current?.current_at?.toISOString() ?? null
    const open = values.reduce((sum, { values: count }) => sum + count, 0)
    const lines = [
      `The keys of this database are wrapped by ${primary}. It opened them just now.`,
      `Values are sealed with ${current?.id} since ${since?.slice(0, 16)}; a new key follows after ${config.keys.dataKeyDays} days${due ? ', that is now' : ''}.`,
      open === 0
        ? 'No value waits to be sealed anew.'
        : `${open} values are sealed with former keys; control seals them anew in the background:`,
      ...values.flatMap(({ table, column, values: count }) =>
        count === 0 ? [] : [`  ${String(count).padStart(8)}  ${table}.${column}`],
      ),
      ...(behind.length === 0
        ? []
        : [
            `${behind.length} keys are still wrapped by ${[...new Set(behind.map(({ kek }) => kek))].join(', ')}: run \`./wayleave keys rewrap\`.`,
          ]),
    ]
    return {
      data: {
        keyEncryption: { place: keyPlaceText(config.keys.place), id: primary },
        current: current?.id,
        currentSince: since,
        rotatesAfterDays: config.keys.dataKeyDays,
        rotationDue: due,
        wrappedByOthers: behind.map(({ id, kek }) => ({ id, wrappedBy: kek })),
        formerValues: values,
      },
      text: lines.join('\n'),
    }
  })

/** A new data key seals from now on; processes that run need not be told otherwise. */
export const runKeysRotate = (config: Config): Promise<CommandResult> =>
  withKeys(config, async (platform) => {
    for (;;) {
      const result = await rotateDataKey(use(platform))
      if (result.rotated) {
        const { current, previous } = result
        return {
          data: { current, previous },
          text: `Values are sealed with ${current} from now on. What ${previous} sealed stays readable; control seals it anew in the background (\`./wayleave keys status\`).`,
        }
      }
      // Every process must know the key before it seals.
      if (result.why === 'too-soon') await delay(result.waitMs + 100)
    }
  })

/** Wraps the keys of the database with the present key-encryption key; `newKey` makes a new master key for it. */
export const runKeysRewrap = (config: Config, newKey: boolean): Promise<CommandResult> =>
  withKeys(config, async (platform) => {
    const { keys } = platform
    if (!newKey) {
      await settleMasterKey(config, platform.database)
      const count = await rewrapKeys(use(platform))
      const id = keys.encryptions.primary().id()
      return {
        data: { wrappedBy: id, keys: count },
        text: `${count} keys are wrapped by ${id}. Settings of the former one may be taken away once no process is started with them.`,
      }
    }
    if (config.keys.place.kind !== 'file')
      throw new CommandError(
        '--new-key is for the master key in the file: rotate the key in the key service, then run `./wayleave keys rewrap`',
      )
    if (config.secretKey !== undefined)
      throw new CommandError(
        'the master key comes from WAYLEAVE_SECRET_KEY: set it to a new one and WAYLEAVE_SECRET_KEY_PREVIOUS to the one until now, run `./wayleave keys rewrap`, and start every process with both',
      )
    await settleMasterKey(config, platform.database)
    const count = await replaceMasterKey(config, use(platform))
    const id = keys.encryptions.primary().id()
    return {
      data: { wrappedBy: id, keys: count },
      text: `${count} keys are wrapped by the new master key ${id}. Keep a copy of ${masterKeyFile(config)}; the former one stays beside it for as long as you keep backups from before today.`,
    }
  })
