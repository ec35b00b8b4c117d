import path from 'node:path'
import { createCatalog, createChecker, type DocumentFault, readApiFolder } from '#catalog'
import { CommandError, type CommandResult } from '#cli'
import { type Clock, systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createPlatform } from './create-platform.ts'

type Files = Extract<Awaited<ReturnType<typeof readApiFolder>>, { ok: true }>['files']
/** How long the command waits until the gateways have what it published. */
const settleMs = 3_000

type Told = Record<'faults' | 'warnings' | 'notes', DocumentFault[]> & { where: string }
type Checked = Told & { files: Files }
type Published = { apiId: string; lifecycle: string; changed: boolean }

const line = (where: string, fault: DocumentFault): string =>
  `${path.join(where, fault.file)}:${fault.line}:${fault.column} ${fault.path === '' ? '' : `${fault.path} `}${fault.message}`

/** Says what publishing says of versions that are new to a catalog. */
export async function runCatalogValidate(
  places: readonly string[],
  clock: Clock = systemClock,
): Promise<CommandResult> {
  const checked = await checkAll(places, clock.now())
  const faults = checked.flatMap(({ where, faults: found }) =>
    found.map((fault) => line(where, fault)),
  )
  const summary =
    faults.length === 0
      ? `${checked.length} checked, no faults`
      : `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`
  return {
    data: {
      apis: checked.map(({ where, faults: found, warnings, notes }) => ({
        where,
        ok: found.length === 0,
        faults: found,
        warnings,
        notes,
      })),
    },
    text: [...remarks(checked), ...faults, summary].join('\n'),
    exitCode: faults.length === 0 ? 0 : 1,
  }
}

export async function runCatalogPublish(
  config: Config,
  places: readonly string[],
): Promise<CommandResult> {
  const checked = await checkAll(places)
  if (checked.some(({ faults }) => faults.length > 0)) return refused(checked)
  const platform = await createPlatform(config, 'catalog', 'silent')
  const catalog = createCatalog(platform)
  try {
    const files = checked.map((one) => one.files)
    const results = await catalog.publishTogether(files, { kind: 'system', id: 'command-line' })
    // What the publication says of a folder holds, not what was found before.
    const told = checked.map((one, index) => ({
      ...one,
      faults: [],
      warnings: [],
      notes: [],
      ...results[index],
    }))
    if (told.some(({ faults }) => faults.length > 0)) return refused(told)
    const published = results.flatMap((result) => ('faults' in result ? [] : [result]))
    const waiting = []
    for (const { apiId } of published) {
      if (!(await platform.outbox.settledAbout(apiId, settleMs))) waiting.push(apiId)
    }
    return {
      data: {
        published: published.map(({ apiId, lifecycle, changed }) => ({
          apiId,
          lifecycle,
          changed,
        })),
        warnings: placed(told, 'warnings'),
        notes: placed(told, 'notes'),
      },
      text: [
        ...remarks(told),
        ...published.map(outcome),
        ...waiting.map(
          (apiId) => `${apiId} is on its way to the gateways: control does not run, or is slow`,
        ),
      ].join('\n'),
    }
  } finally {
    await catalog.close()
    await platform.database.close()
  }
}

/** Whoever republishes what is retired would wait for it to be served. */
const outcome = ({ apiId, lifecycle, changed }: Published): string =>
  `${apiId} ${changed ? 'published' : 'is published as it is'}${
    lifecycle === 'published' ? '' : `: it is ${lifecycle}`
  }${lifecycle === 'retired' ? ', `state: published` brings it back' : ''}`

function refused(checked: readonly Told[]): CommandResult {
  const faults = checked.flatMap(({ where, faults: found }) =>
    found.map((fault) => line(where, fault)),
  )
  return {
    data: {
      published: [],
      faults: placed(checked, 'faults'),
      warnings: placed(checked, 'warnings'),
      notes: placed(checked, 'notes'),
    },
    text: [
      ...remarks(checked),
      ...faults,
      `Nothing was published: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}.`,
    ].join('\n'),
    exitCode: 1,
  }
}

const placed = (checked: readonly Told[], kind: 'faults' | 'warnings' | 'notes') =>
  checked.flatMap((one) => one[kind].map((fault) => ({ where: one.where, ...fault })))

const remarks = (checked: readonly Told[]): string[] =>
  checked.flatMap(({ where, notes, warnings }) => [
    ...notes.map((note) => `note: ${line(where, note)}`),
    ...warnings.map((fault) => `warning: ${line(where, fault)}`),
  ])

async function checkAll(places: readonly string[], now?: Date): Promise<Checked[]> {
  const checker = createChecker()
  try {
    const checked: Checked[] = []
    for (const place of places) {
      const folder = await readApiFolder(place)
      if (!folder.ok) throw new CommandError(folder.message)
      const result = await checker.check(folder.files, now)
      const where = path.extname(place) === '' ? place : path.dirname(place)
      checked.push({
        where,
        files: folder.files,
        faults: result.ok ? [] : [...result.faults],
        warnings: [...result.warnings],
        notes: [...result.notes],
      })
    }
    return checked
  } finally {
    await checker.close()
  }
}
