import { CommandError, type CommandResult } from '#cli'
import { createIdentity } from '#identity'
import { createAttempts } from '#platform/attempts'
import type { Config } from '#platform/config'
import { createPlatform } from './create-platform.ts'

/** The mail about it is ordered here, and sent by `control`. */
export async function runResetFactors(config: Config, email: string): Promise<CommandResult> {
  const platform = await createPlatform(config, 'reset-factors', 'silent')
  try {
    const identity = createIdentity(platform, {
      attempts: createAttempts(platform.database),
      mail: { send: () => Promise.resolve() },
      isSuspended: () => Promise.resolve(false),
    })
    const actor = { kind: 'system', id: 'command-line' } as const
    if (!(await identity.resetStaffFactors(email, actor)))
      throw new CommandError('there is nobody of the staff with this e-mail address')
    return {
      data: { reset: true },
      text: 'The second factors are gone: sign in with the password, and add new ones.',
    }
  } finally {
    await platform.database.close()
  }
}
