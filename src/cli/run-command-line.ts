import { parseArgs } from 'node:util'
import { type Command, CommandError, type CommandResult } from './command.ts'

type Io = { out: (text: string) => void; err: (text: string) => void }

/**
 * Finds the command, checks its arguments, runs it and prints the result.
 * @returns the exit code: 0 done, 1 refused or failed, 2 called wrongly; undefined while a role keeps running
 * @public
 */
export async function runCommandLine(
  given: readonly string[],
  commands: readonly Command[],
  program: { name: string; version: string; about: string },
  io: Io,
): Promise<number | undefined> {
  const json = wantsJson(given)
  const argv = given[0] === '--json' ? given.slice(1) : given
  const command = findCommand(argv, commands)
  if (command === undefined) return withoutCommand({ argv, json }, commands, program, io)
  const rest = argv.slice(command.name.split(' ').length)
  if (rest.includes('--help') || rest.includes('-h')) {
    print(
      {
        data: { help: helpOf(command, program.name) },
        text: helpOf(command, program.name).trimEnd(),
      },
      json,
      io,
    )
    return 0
  }
  try {
    const result = await command.run({ ...parse(command, rest, program.name), json })
    if (result === undefined) return undefined
    print(result, json, io)
    return result.exitCode ?? 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (json) io.out(`${JSON.stringify({ error: message })}\n`)
    else io.err(`${program.name}: ${message}\n`)
    return error instanceof CommandError ? error.exitCode : 1
  }
}

/** What stands behind `--` is an argument, not an option. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => /^--json(=|$)/.test(word))
}

function print(result: CommandResult, json: boolean, io: Io): void {
  if (json) io.out(`${JSON.stringify(result.data ?? {}, null, 2)}\n`)
  else if (result.text !== undefined) io.out(`${result.text}\n`)
}

function parse(command: Command, rest: readonly string[], program: string) {
  const usage = `usage: ${program} ${command.name} ${command.usage}`.trimEnd()
  try {
    const { values, positionals } = parseArgs({
      args: [...rest],
      options: {
        ...command.options,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
      strict: true,
    })
    const [least, most] = command.positionals
    if (positionals.length < least) throw new Error('an argument is missing')
    if (positionals.length > most)
      throw new Error(`"${positionals[most]}" is one argument too many`)
    return { options: values, positionals }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('. ')[0] : String(cause)
    throw new CommandError(`${reason}\n${usage}`, { exitCode: 2, cause })
  }
}

/** The longest name that the arguments begin with. */
function findCommand(argv: readonly string[], commands: readonly Command[]): Command | undefined {
  return commands
    .filter((command) => command.name.split(' ').every((word, i) => argv[i] === word))
    .sort((a, b) => b.name.length - a.name.length)[0]
}

function withoutCommand(
  { argv, json }: { argv: readonly string[]; json: boolean },
  commands: readonly Command[],
  program: { name: string; version: string; about: string },
  io: Io,
): number {
  const [first] = argv.filter((word) => word !== '--json')
  if (first === '--version' || first === '-v') {
    print({ data: { version: program.version }, text: program.version }, json, io)
    return 0
  }
  const words = argv.filter((word) => !word.startsWith('-'))
  const group = commands.filter(
    (command) => words.length > 0 && command.name.startsWith(`${words[0]} `),
  )
  const shown = group.length > 0 ? group : commands
  const text = listOf(shown, program)
  const data = { commands: shown.map(({ name, summary }) => ({ name, summary })) }
  if (first === '--help' || first === '-h' || first === 'help') {
    print({ data, text }, json, io)
    return 0
  }
  const error = whatIsMissing(first, words, group)
  if (json) io.out(`${JSON.stringify({ error, ...data })}\n`)
  else if (first === undefined) io.out(`${text}\n`)
  else io.err(`${program.name}: ${error}\n${text}\n`)
  return 2
}

function whatIsMissing(
  first: string | undefined,
  words: readonly string[],
  group: readonly Command[],
): string {
  if (first === undefined) return 'no command was given'
  const [word] = words
  if (word === undefined) return `there is no option "${first}" without a command`
  if (group.length > 0 && words.length === 1) return `"${word}" needs the second word of a command`
  return `there is no command "${words.join(' ')}"`
}

function listOf(
  shown: readonly Command[],
  program: { name: string; version: string; about: string },
): string {
  const width = Math.max(...shown.map((command) => command.name.length)) + 2
  return [
    `${program.name} ${program.version}: ${program.about}`,
    '',
    `usage: ${program.name} <command> [options]`,
    '',
    ...shown.map((command) => `  ${command.name.padEnd(width)}${command.summary}`),
    '',
    `Every command takes --json (for programs) and --help (for people).`,
  ].join('\n')
}

function helpOf(command: Command, program: string): string {
  const options = Object.entries(command.options).map(([name, option]) => {
    const value = option.type === 'string' ? ' <value>' : ''
    return `  --${name}${value}`
  })
  return [
    `${program} ${command.name}: ${command.summary}`,
    '',
    `usage: ${program} ${command.name} ${command.usage}`.trimEnd(),
    '',
    ...command.help,
    ...(options.length > 0 ? ['', 'options:', ...options] : []),
    '',
  ].join('\n')
}
