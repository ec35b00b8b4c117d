export { type Command, CommandError, type CommandResult, type OptionValues } from './command.ts'
export { runCommandLine } from './run-command-line.ts'
