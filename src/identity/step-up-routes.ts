import type { Routes } from '#platform/http-server'
import { offerPasskeyStepUp } from './check-passkey.ts'
import type { Identifying } from './needs.ts'
import { currentSession } from './person-of.ts'
import { freshMs } from './require-step-up.ts'
import { PasskeyOptions, StepUp, StepUpState } from './schema.ts'
import type { SessionCookie } from './session-cookie.ts'
import { noteProof } from './start-session.ts'
import { stepUp, stepUpMethodsOf } from './step-up.ts'

const tags = ['session']

export function createStepUpRoutes(identifying: Identifying, cookie: SessionCookie): Routes {
  return (server) => {
    server.get(
      '/session/step-up',
      {
        config: { access: 'own-account.read' },
        schema: {
          operationId: 'getStepUp',
          summary: 'Until when a proof that the caller is there is good, and how to give one',
          tags,
          response: { 200: StepUpState },
        },
      },
      async (request) => {
        const { freshUntil, ...who } = currentSession(request)
        return {
          ...(freshUntil !== undefined && { freshUntil: freshUntil.toISOString() }),
          methods: await stepUpMethodsOf(identifying, who),
        }
      },
    )
    server.post(
      '/session/step-up/passkey-options',
      {
        config: { access: 'own-account.change' },
        schema: {
          operationId: 'offerPasskeyStepUp',
          summary: 'What a browser needs to prove with a passkey of the caller that it is there',
          tags,
          response: { 200: PasskeyOptions },
        },
      },
      (request) => offerPasskeyStepUp(identifying, currentSession(request).personId),
    )
    server.post(
      '/session/step-up',
      {
        config: { access: 'own-account.change' },
        schema: {
          operationId: 'stepUp',
          summary: 'Prove to be there; what answers STEP_UP_REQUIRED then goes on for ten minutes',
          description:
            'A password is taken only from somebody who has neither a passkey nor an authenticator app. The session gets another id.',
          tags,
          body: StepUp,
          response: { 200: StepUpState },
        },
      },
      async (request, reply) => {
        const { id: sessionId, ...who } = currentSession(request)
        const account = await stepUp(identifying, { ...who, sessionId }, request.body)
        const { method } = request.body
        const verifiedAt = await noteProof(identifying, cookie, reply, { account, method })
        return {
          freshUntil: new Date(verifiedAt.getTime() + freshMs).toISOString(),
          methods: await stepUpMethodsOf(identifying, who),
        }
      },
    )
  }
}
