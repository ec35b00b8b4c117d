/** What the provider did is not what was asked for; `message` is for the people who set it up. */
export class ProviderError extends Error {
  /** the person or the provider said no: nobody has to mend anything */
  readonly refused: boolean
  constructor(message: string, options: ErrorOptions & { refused?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ProviderError'
    this.refused = options.refused ?? false
  }
}

/** Whatever goes wrong with a provider is told in one way, with the reason for those who set it up. */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ProviderError) throw error
    throw new ProviderError(reasonOf(error), { cause: error, refused: isRefusal(error) })
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Error && error.name === 'AuthorizationResponseError'

/** The innermost reason, which is the one that somebody can do something about. */
function reasonOf(error: unknown): string {
  let found = error
  for (let depth = 0; depth < 4; depth += 1) {
    if (!(found instanceof Error && found.cause instanceof Error)) break
    found = found.cause
  }
  return found instanceof Error ? found.message : String(found)
}
