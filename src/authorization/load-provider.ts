/**
 * Loads oidc-provider when a server starts: the control process uses this module's keys and never needs it. Its notice
 * that a Node release is not yet a long-term one is kept from the log, because the release is pinned and tested here.
 */
export async function loadProvider(): Promise<typeof import('./create-provider.ts')> {
  const { warn } = console
  console.warn = (...notice: unknown[]) => {
    if (!String(notice[0]).includes('Unsupported runtime')) warn(...notice)
  }
  try {
    return await import('./create-provider.ts')
  } finally {
    console.warn = warn
  }
}
