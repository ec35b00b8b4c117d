import { type Static, Type } from 'typebox'

/** A text message that reached a simulated handset; only the partner whose application caused it may read it. */
export const SandboxMessage = Type.Object({
  id: Type.String(),
  applicationId: Type.String(),
  phoneNumber: Type.String(),
  text: Type.String(),
  receivedAt: Type.String({ format: 'date-time' }),
})
export type SandboxMessage = Static<typeof SandboxMessage>

/** Which messages to read. A phone number is never part of an address, so this is a body. */
export const SandboxMessageQuery = Type.Object(
  {
    applicationId: Type.Optional(Type.String({ maxLength: 64 })),
    phoneNumber: Type.Optional(
      Type.String({ pattern: '^\\+[1-9][0-9]{4,14}$', description: 'E.164, with +' }),
    ),
  },
  { additionalProperties: false },
)
export type SandboxMessageQuery = Static<typeof SandboxMessageQuery>

/** A seeded subscriber of the simulated operator, as the documentation shows it. */
export const SandboxSubscriber = Type.Object({
  phoneNumber: Type.String(),
  title: Type.String(),
  behaviour: Type.String(),
  kind: Type.Union([Type.Literal('person'), Type.Literal('failure')]),
})
export type SandboxSubscriber = Static<typeof SandboxSubscriber>

/** Where the virtual handset is, for this partner; soon no longer good. */
export const SandboxHandset = Type.Object({ url: Type.String({ format: 'uri' }) })
export type SandboxHandset = Static<typeof SandboxHandset>
