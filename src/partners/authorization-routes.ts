import { Type } from 'typebox'
import type { Actor } from '#audit'
import { requirePermission } from '#identity'
import type { HttpServer, Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { shownName } from '#platform/shown-name'
import { AuthorizationSettings, NewAuthorizationSettings } from './authorization-schema.ts'
import {
  changeSettings,
  lockSettings,
  readSettings,
  type SettingsChecks,
} from './change-settings.ts'
import { noSuchApplication } from './rotate-credentials.ts'
import { type ApplicationRecord, findApplication } from './store.ts'
import type { PartnerTables } from './tables.ts'

const tags = ['Partners']
const Params = Type.Object({ applicationId: Type.String({ maxLength: 64 }) })
const path = '/applications/:applicationId/authorization'

/** How an application signs in, and which grant it uses for what. */
export function authorizationRoutes(platform: Platform, checks: SettingsChecks): Routes {
  return (server) => {
    settingsRoutes(server, platform, checks)
    lockRoutes(server, platform)
  }
}

function settingsRoutes(server: HttpServer, platform: Platform, checks: SettingsChecks): void {
  server.get(
    path,
    {
      config: { access: 'sign-in-settings.read' },
      schema: {
        operationId: 'getAuthorizationSettings',
        summary: 'How an application signs in, and which grant it uses for what',
        tags,
        params: Params,
        response: { 200: AuthorizationSettings },
      },
    },
    async (request) => {
      const application = await requireVisible(platform, request)
      return await readSettings(platform, application)
    },
  )
  server.put(
    path,
    {
      config: { access: 'sign-in-settings.change' },
      schema: {
        operationId: 'replaceAuthorizationSettings',
        summary:
          'Other settings, whole: grants and refresh tokens that rest on a grant that is gone end',
        description:
          'What is left out has its default. `revision` is the one that was read: 409 when somebody changed them since. In production an owner does this who just proved to be there, because the grants of a purpose are part of what was ordered.',
        tags,
        params: Params,
        body: NewAuthorizationSettings,
        response: { 200: AuthorizationSettings },
      },
    },
    async (request) => {
      const application = await requireVisible(platform, request)
      // What production may be used for was ordered by the organisation: its owner changes it.
      if (application.environment === 'production')
        requirePermission(request, 'production-sign-in-settings.change')
      return await changeSettings(platform, checks, application, request.body, request.actor)
    },
  )
}

function lockRoutes(server: HttpServer, platform: Platform): void {
  server.put(
    `${path}/lock`,
    {
      config: { access: 'sign-in-settings.lock' },
      schema: {
        operationId: 'lockAuthorizationSettings',
        summary: 'Keep a partner from changing how an application signs in',
        tags,
        params: Params,
        body: Type.Object(
          {
            reason: Type.String({ minLength: 1, maxLength: 500, ...shownName }),
          },
          { additionalProperties: false },
        ),
        response: { 200: AuthorizationSettings },
      },
    },
    async (request) => {
      const application = await requireVisible(platform, request)
      return await lockSettings(platform, application, request.body.reason, request.actor)
    },
  )
  server.delete(
    `${path}/lock`,
    {
      config: { access: 'sign-in-settings.lock' },
      schema: {
        operationId: 'unlockAuthorizationSettings',
        summary: 'Let a partner change how an application signs in again',
        tags,
        params: Params,
        response: { 200: AuthorizationSettings },
      },
    },
    async (request) => {
      const application = await requireVisible(platform, request)
      return await lockSettings(platform, application, null, request.actor)
    },
  )
}

/** An application of another partner answers exactly like one that does not exist. */
async function requireVisible(
  platform: Platform,
  { actor, params }: { actor: Actor; params: { applicationId: string } },
): Promise<ApplicationRecord> {
  const db = platform.database.as<PartnerTables>()
  const record = await findApplication(db, params.applicationId)
  const visible =
    actor.kind === 'operator' || (actor.kind === 'partner' && actor.partnerId === record?.partnerId)
  if (record === undefined || !visible) throw noSuchApplication()
  return record
}
