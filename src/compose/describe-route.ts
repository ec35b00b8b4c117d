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

/** Adds to what a route says of itself what the guard and the error model do for all routes. */
export const describeRoute: SwaggerTransform = ({ schema, url, route }) => {
  if (schema === undefined || schema.hide === true) return { schema: { hide: true }, url }
  const access = route.config?.access
  const isOpen = access === undefined || access === 'public'
  const responses: Record<string, unknown> = schema.response
    ? { ...schema.response }
    : { 200: { description: 'The document itself' } }
  if (!isOpen) {
    responses['401'] = refusal('No credential that is accepted here')
    responses['403'] = refusal(whoMay(access))
  }
  if (schema.params !== undefined)
    responses['404'] = refusal('There is no such thing, or the caller may not see it')
  responses.default = refusal('Every other refusal, by its stable code')
  return {
    schema: {
      ...schema,
      security: isOpen ? [] : [{ session: [] }, { token: [] }],
      response: responses,
    },
    url,
  }
}
