import { readFileSync } from 'node:fs'
import path from 'node:path'
import { runCommandLine } from '#cli'
import { keepCompiledCode } from '#platform/compiled-code'
import { createCommands } from './commands.ts'

const root = path.join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  version: string
}

// Roles are loaded from here on.
keepCompiledCode(path.join(root, 'node_modules', '.cache', 'compile'))

// Whoever read the output may be gone: a closed terminal or a `| head` ends nothing that has to be stopped in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const exitCode = await runCommandLine(
  process.argv.slice(2),
  createCommands({ root, version }),
  { name: 'wayleave', version, about: 'the partner API platform of a telecom operator' },
  {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  },
)
// A role keeps running; everything else is done, and must not wait for an idle connection.
if (exitCode !== undefined) process.exit(exitCode)
