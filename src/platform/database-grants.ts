import { append, keep, type ModuleGrants, read, write } from './declared-grants.ts'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    attempt_count: { control: write, authorization: keep },
    // Of former versions, which count there while both serve.
    attempt: {},
    // Rings and rotation are kept by control and its commands; nobody removes a key.
    data_key: { control: keep, authorization: read },
    delivery: { control: write, authorization: append },
    installation: { control: read, authorization: read },
    // For the owner alone.
    migration: {},
    outbox: { control: append, authorization: append },
  },
  functions: {
    erase_from_events: ['control'],
    forget_delivered_events: ['control'],
  },
}
