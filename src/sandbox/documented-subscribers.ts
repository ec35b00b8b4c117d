import { describeSubscriber } from './describe-subscriber.ts'
import { magicNumbers } from './magic-numbers.ts'
import type { SandboxSubscriber } from './schema.ts'

/** The seeded subscribers as people read of them: the table that the simulator acts on. */
export const documentedSubscribers = (): SandboxSubscriber[] =>
  magicNumbers.map((subscriber) => ({
    phoneNumber: subscriber.phoneNumber,
    title: subscriber.title,
    behaviour: describeSubscriber(subscriber),
    kind: subscriber.failure === undefined ? 'person' : 'failure',
  }))
