import type { SwaggerTransform } from '@fastify/swagger'
import { Type } from 'typebox'
import { grantOf, type Permission } from '#identity'

const Violation = Type.Object({ path: Type.String(), message: Type.String() })

/** The body of every refusal, for the generated document. */
const Refusal = Type.Object({
  status: Type.Integer(),
  code: Type.String(),
  message: Type.String(),
  violations: Type.Optional(Type.Array(Violation)),
})

const refusal = (description: string) => ({ ...Refusal, description })

/** Who is not refused, in words. */
function whoMay(permission: Permission): string {
  const { partner, operator, stepUp, person } = grantOf(permission)
  const roles = [
    ...(partner.length > 0 ? [`members: ${partner.join(', ')}`] : []),
    ...(operator.length > 0 ? [`staff: ${operator.join(', ')}`] : []),
  ]
  return [
    `The caller has not the permission \`${permission}\` (${roles.join('; ')}).`,
    ...(person === true ? ['API tokens never have it.'] : []),
    ...(stepUp === true ? ['STEP_UP_REQUIRED: the caller first proves to be there.'] : []),
  ].join(' ')
}

/** An API token is nobody's face: what only people may do is done with a session. */
const credentialsFor = (permission: Permission): Record<string, string[]>[] =>
  grantOf(permission).person === true ? [{ session: [] }] : [{ session: [] }, { token: [] }]

/** An answer in the forms that the route `produces`; whatever else it says, it says in JSON. */
const inForms = (forms: readonly string[], { description, ...schema }: Answer) => ({
  description,
  content: Object.fromEntries(forms.map((form) => [form, { schema }])),
})

type Answer = { description: string; [field: string]: unknown }
const document: Answer = { description: 'The document itself' }

/** Adds to what a route says of itself what the guard and the error model do for all routes. */
export const describeRoute: SwaggerTransform = ({ schema, url, route }) => {
  if (schema === undefined || schema.hide === true) return { schema: { hide: true }, url }
  const access = route.config?.access
  const isOpen = access === undefined || access === 'public'
  const { produces, ...said } = schema
  const answers = (schema.response ?? { 200: document }) as Record<string, Answer>
  const responses: Record<string, unknown> =
    produces === undefined
      ? { ...answers }
      : Object.fromEntries(
          Object.entries(answers).map(([status, answer]) => [status, inForms(produces, answer)]),
        )
  if (!isOpen) {
    responses['401'] = refusal('No credential that is accepted here')
    responses['403'] = refusal(whoMay(access))
  }
  if (schema.params !== undefined)
    responses['404'] = refusal('There is no such thing, or the caller may not see it')
  responses.default = refusal('Every other refusal, by its stable code')
  return {
    schema: {
      ...said,
      security: isOpen ? [] : credentialsFor(access),
      response: responses,
    },
    url,
  }
}
