import { createAuthorization } from '#authorization'
import type { CommandResult } from '#cli'
import type { Config, Environment } from '#platform/config'
import { createPlatform } from './create-platform.ts'

/** The published next key signs tokens from now on; processes that run learn of it by themselves. */
export async function runRotateSigning(
  config: Config,
  environment: Environment,
): Promise<CommandResult> {
  const platform = await createPlatform(config, 'keys', 'silent')
  try {
    const authorization = createAuthorization(platform)
    const actor = { kind: 'system', id: 'command-line' } as const
    const kid = await authorization.rotateKeys(environment, actor)
    return {
      data: { environment, kid },
      text: `Tokens of ${environment} are signed with ${kid} from now on. The former key verifies what it signed for 15 minutes.`,
    }
  } finally {
    await platform.database.close()
  }
}
