import { Type } from 'typebox'
import type { HttpServer, Routes } from '#platform/http-server'
import { addPasskey, beginPasskey } from './add-passkey.ts'
import { beginTotp, confirmTotp } from './enrol-totp.ts'
import { factorsOf, presentPasskey, renameOwnPasskey } from './list-factors.ts'
import type { Identifying } from './needs.ts'
import { currentSession, personOf } from './person-of.ts'
import { removePasskey, removeTotp, renewRecoveryCodes } from './remove-factor.ts'
import {
  Factors,
  NewPasskey,
  NewPasskeyResult,
  NewRecoveryCodes,
  Passkey,
  PasskeyChange,
  PasskeyOptions,
  PathId,
  TotpConfirmation,
  TotpConfirmed,
  TotpEnrolment,
} from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'
import { renewSession } from './start-session.ts'

const tags = ['factors']
const PasskeyParams = Type.Object({ passkeyId: PathId })

/** What the caller proves itself by. An API token has none of it, and changes none of it. */
export function createFactorRoutes(identifying: Identifying, cookie: SessionCookie): Routes {
  return (server) => {
    server.get(
      '/factors',
      {
        config: { access: 'own-account.read' },
        schema: {
          operationId: 'getFactors',
          summary: 'Passkeys, authenticator app and recovery codes of the caller',
          tags,
          response: { 200: Factors },
        },
      },
      (request) => factorsOf(identifying, personOf(request)),
    )
    newPasskeyRoutes(server, identifying, cookie)
    passkeyRoutes(server, identifying, cookie)
    totpRoutes(server, identifying, cookie)
    server.post(
      '/factors/recovery-codes',
      {
        config: { access: 'own-factors.change' },
        schema: {
          operationId: 'renewRecoveryCodes',
          summary: 'Ten new recovery codes, shown once; those that were left end',
          tags,
          response: { 200: NewRecoveryCodes },
        },
      },
      async (request) => ({
        recoveryCodes: await renewRecoveryCodes(identifying, personOf(request)),
      }),
    )
  }
}

function newPasskeyRoutes(
  server: HttpServer,
  identifying: Identifying,
  cookie: SessionCookie,
): void {
  server.post(
    '/factors/passkeys/options',
    {
      config: { access: 'own-factors.change' },
      schema: {
        operationId: 'beginPasskey',
        summary: 'What a browser needs to make a passkey for the caller',
        tags,
        response: { 200: PasskeyOptions },
      },
    },
    (request) => beginPasskey(identifying, personOf(request)),
  )
  server.post(
    '/factors/passkeys',
    {
      config: { access: 'own-factors.change' },
      schema: {
        operationId: 'addPasskey',
        summary: 'Keep a new passkey; the first second factor brings recovery codes',
        tags,
        body: NewPasskey,
        response: { 201: NewPasskeyResult },
      },
    },
    async (request, reply) => {
      const added = await addPasskey(identifying, currentSession(request), request.body)
      // What this session proved a moment ago still holds for it; the sessions of other browsers prove themselves anew.
      await renewSession(identifying, cookie, reply, { verifiedAt: identifying.clock.now() })
      const { passkey, recoveryCodes } = added
      return reply
        .code(201)
        .send({ ...presentPasskey(passkey), ...(recoveryCodes !== undefined && { recoveryCodes }) })
    },
  )
}

function passkeyRoutes(server: HttpServer, identifying: Identifying, cookie: SessionCookie): void {
  server.patch(
    '/factors/passkeys/:passkeyId',
    {
      config: { access: 'own-account.change' },
      schema: {
        operationId: 'renamePasskey',
        summary: 'Give a passkey another name',
        tags,
        params: PasskeyParams,
        body: PasskeyChange,
        response: { 200: Passkey },
      },
    },
    async (request) => {
      const { passkeyId } = request.params
      return presentPasskey(
        await renameOwnPasskey(identifying, personOf(request), passkeyId, request.body.name),
      )
    },
  )
  server.delete(
    '/factors/passkeys/:passkeyId',
    {
      config: { access: 'own-factors.change' },
      schema: {
        operationId: 'removePasskey',
        summary: 'Remove a passkey; it signs in no more',
        tags,
        params: PasskeyParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await removePasskey(identifying, personOf(request), request.params.passkeyId)
      await renewSession(identifying, cookie, reply, { verifiedAt: identifying.clock.now() })
      return reply.code(204).send(null)
    },
  )
}

function totpRoutes(server: HttpServer, identifying: Identifying, cookie: SessionCookie): void {
  server.post(
    '/factors/totp',
    {
      config: { access: 'own-factors.change' },
      schema: {
        operationId: 'beginTotp',
        summary: 'A secret for an authenticator app; it counts once a code has confirmed it',
        tags,
        response: { 200: TotpEnrolment },
      },
    },
    (request) => beginTotp(identifying, personOf(request)),
  )
  server.post(
    '/factors/totp/confirm',
    {
      config: { access: 'own-factors.change' },
      schema: {
        operationId: 'confirmTotp',
        summary: 'Take an authenticator app into use with a code that it shows',
        tags,
        body: TotpConfirmation,
        response: { 200: TotpConfirmed },
      },
    },
    async (request, reply) => {
      const recoveryCodes = await confirmTotp(
        identifying,
        currentSession(request),
        request.body.code,
      )
      await renewSession(identifying, cookie, reply, { verifiedAt: identifying.clock.now() })
      return recoveryCodes === undefined ? {} : { recoveryCodes }
    },
  )
  server.delete(
    '/factors/totp',
    {
      config: { access: 'own-factors.change' },
      schema: {
        operationId: 'removeTotp',
        summary: 'Remove the authenticator app',
        tags,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await removeTotp(identifying, personOf(request))
      await renewSession(identifying, cookie, reply, { verifiedAt: identifying.clock.now() })
      return reply.code(204).send(null)
    },
  )
}
