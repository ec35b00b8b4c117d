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

/** A seeded subscriber of the simulated operator, as the documentation shows it. */
export const SandboxSubscriber = Type.Object({
  phoneNumber: Type.String(),
  title: Type.String(),
  behaviour: Type.String(),
})
export type SandboxSubscriber = Static<typeof SandboxSubscriber>
