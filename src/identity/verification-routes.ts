import { Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import type { Identifying } from './needs.ts'
import { personOf } from './person-of.ts'
import { EmailConfirmation, MailAccepted } from './schema.ts'
import { confirmEmail, resendVerification } from './verify-email.ts'

const tags = ['session']

export function createVerificationRoutes(identifying: Identifying): Routes {
  return (server) => {
    server.post(
      '/email-verification',
      {
        config: { access: 'own-account.change' },
        schema: {
          operationId: 'resendEmailVerification',
          summary: 'Send another link that confirms the e-mail address of the caller',
          tags,
          response: { 202: MailAccepted },
        },
      },
      async (request, reply) => {
        await resendVerification(identifying, personOf(request))
        return reply
          .code(202)
          .send({ message: 'Unless the address is confirmed already, a link is on its way.' })
      },
    )
    server.post(
      '/email-verification/confirm',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'confirmEmail',
          summary: 'Confirm an e-mail address with a link that was mailed to it',
          tags,
          body: EmailConfirmation,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await confirmEmail(identifying, request.body.token, request.ip)
        return reply.code(204).send(null)
      },
    )
  }
}
