import path from 'node:path'
import { createCatalog, createChecker, type DocumentFault, readApiFolder } from '#catalog'
import { CommandError, type CommandResult } from '#cli'
import type { Config } from '#platform/config'
import { createPlatform } from './create-platform.ts'

type Files = Extract<Awaited<ReturnType<typeof readApiFolder>>, { ok: true }>['files']
/** How long the command waits until the gateways have what it published. */
const settleMs = 3_000

type Checked = { where: string; files: Files; faults: DocumentFault[]; warnings: DocumentFault[] }

const line = (where: string, fault: DocumentFault): string =>
  `${path.join(where, fault.file)}:${fault.line}:${fault.column} ${fault.path === '' ? '' : `${fault.path} `}${fault.message}`

export async function runCatalogValidate(places: readonly string[]): Promise<CommandResult> {
  const checked = await checkAll(places)
  const faults = checked.flatMap(({ where, faults: found }) =>
    found.map((fault) => line(where, fault)),
  )
  const warnings = checked.flatMap(({ where, warnings: found }) =>
    found.map((fault) => `warning: ${line(where, fault)}`),
  )
  const summary =
    faults.length === 0
      ? `${checked.length} checked, no faults`
      : `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`
  return {
    data: {
      apis: checked.map(({ where, faults: found, warnings: noted }) => ({
        where,
        ok: found.length === 0,
        faults: found,
        warnings: noted,
      })),
    },
    text: [...warnings, ...faults, summary].join('\n'),
    exitCode: faults.length === 0 ? 0 : 1,
  }
}

export async function runCatalogPublish(
  config: Config,
  places: readonly string[],
): Promise<CommandResult> {
  const checked = await checkAll(places)
  const faults = checked.flatMap(({ where, faults: found }) =>
    found.map((fault) => line(where, fault)),
  )
  if (faults.length > 0) {
    return {
      data: {
        published: [],
        faults: checked.flatMap(({ where, faults: found }) =>
          found.map((fault) => ({ where, ...fault })),
        ),
      },
      text: [
        ...faults,
        `Nothing was published: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}.`,
      ].join('\n'),
      exitCode: 1,
    }
  }
  const platform = await createPlatform(config, 'catalog', 'silent')
  const catalog = createCatalog(platform)
  try {
    const published: { apiId: string; changed: boolean }[] = []
    for (const { where, files } of checked) {
      const result = await catalog.publish(files, { kind: 'system', id: 'command-line' })
      if ('faults' in result)
        throw new CommandError(result.faults.map((fault) => line(where, fault)).join('\n'))
      published.push({ apiId: result.apiId, changed: result.changed })
    }
    const waiting = []
    for (const { apiId } of published) {
      if (!(await platform.outbox.settledAbout(apiId, settleMs))) waiting.push(apiId)
    }
    return {
      data: { published },
      text: published
        .map(({ apiId, changed }) => `${apiId} ${changed ? 'published' : 'is published as it is'}`)
        .concat(
          waiting.map(
            (apiId) => `${apiId} is on its way to the gateways: control does not run, or is slow`,
          ),
        )
        .join('\n'),
    }
  } finally {
    await catalog.close()
    await platform.database.close()
  }
}

async function checkAll(places: readonly string[]): Promise<Checked[]> {
  const checker = createChecker()
  try {
    const checked: Checked[] = []
    for (const place of places) {
      const folder = await readApiFolder(place)
      if (!folder.ok) throw new CommandError(folder.message)
      const result = await checker.check(folder.files)
      const where = path.extname(place) === '' ? place : path.dirname(place)
      checked.push({
        where,
        files: folder.files,
        faults: result.ok ? [] : [...result.faults],
        warnings: [...result.warnings],
      })
    }
    return checked
  } finally {
    await checker.close()
  }
}
