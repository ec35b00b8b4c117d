import { CommandError, type CommandResult } from '#cli'
import { createIdentity } from '#identity'
import { createPartnerDirectory } from '#partners'
import { createAttempts } from '#platform/attempts'
import type { Config } from '#platform/config'
import { createPlatform } from './create-platform.ts'

export async function runTokenCreate(
  config: Config,
  input: {
    role: 'operator' | 'partner'
    partnerId: string | undefined
    name: string
    scopes: readonly string[] | undefined
    expiresInDays: number | undefined
  },
): Promise<CommandResult> {
  const platform = await createPlatform(config, 'token', 'silent')
  try {
    const { partnerId } = input
    if (
      partnerId !== undefined &&
      (await createPartnerDirectory(platform).getPartner(partnerId)) === undefined
    ) {
      throw new CommandError(`there is no partner ${partnerId}`)
    }
    const identity = createIdentity(platform, {
      attempts: createAttempts(platform.database),
      mail: { send: () => Promise.resolve() },
      isSuspended: () => Promise.resolve(false),
    })
    const { id, token } = await identity.createToken({
      role: input.role,
      ...(partnerId === undefined ? {} : { partnerId }),
      name: input.name,
      scopes: input.scopes,
      expiresInDays: input.expiresInDays,
      createdBy: { kind: 'system', id: 'command-line' },
    })
    return {
      data: { id, token, role: input.role, ...(partnerId === undefined ? {} : { partnerId }) },
      text: token,
    }
  } finally {
    await platform.database.close()
  }
}
