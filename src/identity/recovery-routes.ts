import { Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import { checkForm } from './check-form.ts'
import { originOf } from './limits.ts'
import type { Identifying } from './needs.ts'
import { requestRecovery } from './request-recovery.ts'
import { resetPassword } from './reset-password.ts'
import { MailAccepted, PasswordReset, RecoveryRequest } from './schema.ts'

const tags = ['session']

export function createRecoveryRoutes(identifying: Identifying): Routes {
  return (server) => {
    server.post(
      '/recovery',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'requestRecovery',
          summary: 'Ask for a link to set a new password; the answer is the same for every address',
          tags,
          body: RecoveryRequest,
          response: { 202: MailAccepted },
        },
      },
      async (request, reply) => {
        await requestRecovery(identifying, request.body.email, originOf(request))
        return reply
          .code(202)
          .send({ message: 'If the address has an account here, a link is on its way.' })
      },
    )
    server.post(
      '/recovery/reset',
      {
        config: { access: 'public' },
        attachValidation: true,
        preHandler: checkForm,
        schema: {
          operationId: 'resetPassword',
          summary: 'Set a new password with a link that was mailed; all sessions end',
          tags,
          body: PasswordReset,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const personId = await resetPassword(identifying, request.body, request.ip)
        // Whoever has the mail is the owner, so guesses of strangers must not keep this browser out.
        reply.header('set-cookie', identifying.device.set(personId))
        return reply.code(204).send(null)
      },
    )
  }
}
