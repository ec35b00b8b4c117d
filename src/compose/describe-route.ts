import type { SwaggerTransform } from '@fastify/swagger'
import { Type } from 'typebox'

const Violation = Type.Object({ path: Type.String(), message: Type.String() })

/** The body of every refusal, for the generated document. */
const Refusal = Type.Object({
  status: Type.Integer(),
  code: Type.String(),
  message: Type.String(),
  violations: Type.Optional(Type.Array(Violation)),
})

const refusal = (description: string) => ({ ...Refusal, description })

/** Adds to what a route says of itself what the guard and the error model do for all routes. */
export const describeRoute: SwaggerTransform = ({ schema, url, route }) => {
  if (schema === undefined || schema.hide === true) return { schema: { hide: true }, url }
  const isOpen = route.config?.access === 'public'
  const responses: Record<string, unknown> = schema.response
    ? { ...schema.response }
    : { 200: { description: 'The document itself' } }
  if (!isOpen) {
    responses['401'] = refusal('No credential that is accepted here')
    responses['403'] = refusal(
      route.config?.stepUp === true
        ? 'The caller is known and may not do this, or must first prove to be there (STEP_UP_REQUIRED)'
        : 'The caller is known and may not do this',
    )
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
