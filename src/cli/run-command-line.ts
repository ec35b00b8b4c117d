import { parseArgs } from 'node:util'
import { type Command, CommandError, type CommandResult } from './command.ts'

type Io = { out: (text: string) => void; err: (text: string) => void }

/**
 * Finds the command, checks its arguments, runs it and prints the result.
 * @returns the exit code: 0 done, 1 refused or failed, 2 called wrongly; undefined while a role keeps running
 * @public
 */
export async function runCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  program: { name: string; version: string; about: string },
  io: Io,
): Promise<number | undefined> {
  const command = findCommand(argv, commands)
  if (command === undefined) return withoutCommand(argv, commands, program, io)
  const rest = argv.slice(command.name.split(' ').length)
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(helpOf(command, program.name))
    return 0
  }
  const json = rest.includes('--json')
  try {
    const result = await command.run({ ...parse(command, rest, program.name), json })
    if (result === undefined) return undefined
    print(result, json, io)
    return result.exitCode ?? 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (json) io.out(`${JSON.stringify({ error: message })}\n`)
    else io.err(`wayleave: ${message}\n`)
    return error instanceof CommandError ? error.exitCode : 1
  }
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
  argv: readonly string[],
  commands: readonly Command[],
  program: { name: string; version: string; about: string },
  io: Io,
): number {
  const [first] = argv
  if (first === '--version' || first === '-v') {
    io.out(`${program.version}\n`)
    return 0
  }
  const words = argv.filter((word) => !word.startsWith('-'))
  const group = commands.filter(
    (command) => words.length > 0 && command.name.startsWith(`${words[0]} `),
  )
  const shown = group.length > 0 ? group : commands
  const width = Math.max(...shown.map((command) => command.name.length)) + 2
  const list = shown.map((command) => `  ${command.name.padEnd(width)}${command.summary}`)
  const text = [
    `${program.name} ${program.version}: ${program.about}`,
    '',
    `usage: ${program.name} <command> [options]`,
    '',
    ...list,
    '',
    `Every command takes --json (for programs) and --help (for people).`,
    '',
  ].join('\n')
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    io.out(text)
    return first === undefined ? 2 : 0
  }
  const near =
    words.length > 0 && group.length === 0 ? `there is no command "${words.join(' ')}"\n` : ''
  io.err(`${near === '' ? '' : `${program.name}: `}${near}${text}`)
  return 2
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
