import type { ParseArgsOptionsConfig } from 'node:util'

/** The values of a command's options, as `node:util` parses them. */
export type OptionValues = Readonly<
  Record<string, string | boolean | (string | boolean)[] | undefined>
>

/** What a command hands back: `data` for `--json`, `text` for a person, and the exit code. */
export type CommandResult = { data?: unknown; text?: string; exitCode?: number }

/**
 * One command of `./wayleave`. Its code is loaded when it runs, so that a gateway carries nothing of the control side.
 * @public
 */
export type Command = {
  /** `catalog publish` */
  name: string
  summary: string
  /** what stands after the name in the usage line */
  usage: string
  /** paragraphs of `--help`: what it does, what it needs, one example */
  help: readonly string[]
  options: ParseArgsOptionsConfig
  /** the least and most positional arguments */
  positionals: readonly [number, number]
  run: (input: {
    options: OptionValues
    positionals: readonly string[]
    json: boolean
  }) => Promise<CommandResult | undefined>
}

/**
 * A mistake in how a command was called, or a refusal that its message explains whole.
 * @public
 */
export class CommandError extends Error {
  readonly exitCode: number
  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options)
    this.name = 'CommandError'
    this.exitCode = options.exitCode ?? 1
  }
}
