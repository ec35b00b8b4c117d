import type { HttpServer, Routes } from '#platform/http-server'
import { offerPasskeySignIn, signInWithPasskey } from './check-passkey.ts'
import { completeSignIn } from './complete-sign-in.ts'
import { originOf } from './limits.ts'
import type { Identifying } from './needs.ts'
import {
  PasskeyOptions,
  PasskeySignIn,
  SecondFactor,
  SecondFactorNeeded,
  Session,
  SignIn,
} from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'
import { presentSession } from './session-routes.ts'
import { signIn } from './sign-in.ts'
import { startSession } from './start-session.ts'

const tags = ['session']

export function createSignInRoutes(identifying: Identifying, cookie: SessionCookie): Routes {
  return (server) => {
    passwordRoutes(server, identifying, cookie)
    passkeyRoutes(server, identifying, cookie)
  }
}

function passwordRoutes(server: HttpServer, identifying: Identifying, cookie: SessionCookie): void {
  server.post(
    '/session',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'startSession',
        summary: 'Sign in with an e-mail address and a password',
        description:
          'Who has a second factor gets a ticket with 202, and is signed in by completing it.',
        tags,
        body: SignIn,
        response: { 201: Session, 202: SecondFactorNeeded },
      },
    },
    async (request, reply) => {
      const done = await signIn(identifying, request.body, originOf(request))
      if ('needed' in done) return reply.code(202).send(done.needed)
      await startSession(identifying, cookie, reply, done.account, { methods: ['password'] })
      return reply.code(201).send(presentSession(identifying, done.account))
    },
  )
  server.post(
    '/session/second-factor',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'completeSession',
        summary: 'Complete a sign-in with a code of an authenticator app, or a recovery code',
        description:
          'After five wrong codes the ticket ends. A passkey completes it by signing in itself.',
        tags,
        body: SecondFactor,
        response: { 201: Session },
      },
    },
    async (request, reply) => {
      const done = await completeSignIn(identifying, request.body, originOf(request))
      const { account, ...way } = done
      await startSession(identifying, cookie, reply, account, way)
      return reply.code(201).send(presentSession(identifying, account))
    },
  )
}

function passkeyRoutes(server: HttpServer, identifying: Identifying, cookie: SessionCookie): void {
  server.post(
    '/session/passkey-options',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'offerPasskeySignIn',
        summary: 'What a browser needs to sign in with a passkey; the same for everybody',
        tags,
        response: { 200: PasskeyOptions },
      },
    },
    (request) => offerPasskeySignIn(identifying, request.ip),
  )
  server.post(
    '/session/passkey',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'startSessionWithPasskey',
        summary: 'Sign in with a passkey; no e-mail address and no password are needed',
        tags,
        body: PasskeySignIn,
        response: { 201: Session },
      },
    },
    async (request, reply) => {
      const done = await signInWithPasskey(identifying, request.body, request.ip)
      const { account, ...way } = done
      await startSession(identifying, cookie, reply, account, way)
      return reply.code(201).send(presentSession(identifying, account))
    },
  )
}
