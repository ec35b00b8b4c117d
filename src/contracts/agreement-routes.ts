import { type Static, Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { acceptAgreement } from './accept-agreement.ts'
import { acceptancesOf, listAgreements } from './agreement-store.ts'
import type { Contracting } from './needs.ts'
import { Acceptance, Agreement, NewAcceptance, Reference } from './schema.ts'

const AgreementList = listOf(Agreement)

export function createAgreementRoutes(contracting: Contracting): Routes {
  return (server) => {
    server.get(
      '/agreements',
      {
        config: { access: 'agreement.read' },
        schema: {
          operationId: 'listAgreements',
          summary: 'The texts that production rests on, newest version first',
          tags: ['agreements'],
          querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
          response: { 200: AgreementList },
        },
      },
      async ({ actor, query }): Promise<Static<typeof AgreementList>> => {
        const [agreements, accepted] = await Promise.all([
          listAgreements(contracting.db),
          actor.kind === 'partner' ? acceptancesOf(contracting.db, actor.partnerId) : [],
        ])
        const items = agreements.map((row): Agreement => {
          const acceptance = accepted.find((one) => one.agreement_id === row.id)
          return {
            id: row.id,
            name: row.name,
            version: row.version,
            text: row.text,
            sha256: row.sha256,
            effectiveFrom: row.effective_from.toISOString(),
            current: agreements.find((one) => one.name === row.name)?.id === row.id,
            ...(acceptance !== undefined && { acceptedAt: acceptance.accepted_at.toISOString() }),
          }
        })
        const from = offsetOf(query)
        return paginate(items.slice(from, from + query.perPage), items.length, query)
      },
    )

    server.post(
      '/agreements/:agreementId/acceptances',
      {
        config: { access: 'agreement.accept' },
        schema: {
          operationId: 'acceptAgreement',
          summary: 'Bind your organisation to this exact text',
          tags: ['agreements'],
          params: Type.Object({ agreementId: Reference }),
          body: NewAcceptance,
          response: { 200: Acceptance, 201: Acceptance },
        },
      },
      async (request, reply) => {
        const { acceptance, created } = await acceptAgreement(contracting, {
          actor: request.actor,
          agreementId: request.params.agreementId,
          sha256: request.body?.sha256,
          ip: request.ip,
          userAgent: (request.headers['user-agent'] ?? '').slice(0, 500),
        })
        return reply.code(created ? 201 : 200).send({
          agreementId: acceptance.agreement_id,
          partnerId: acceptance.partner_id,
          memberId: acceptance.member_id,
          memberName: acceptance.member_name,
          sha256: acceptance.sha256,
          acceptedAt: acceptance.accepted_at.toISOString(),
        })
      },
    )
  }
}
