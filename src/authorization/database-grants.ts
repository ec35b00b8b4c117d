import { append, keep, type ModuleGrants, read, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    artifact: { control: ['select', 'update', 'delete'], authorization: write },
    ciba_poll: { control: ['select', 'update', 'delete'], authorization: write },
    // Control makes, rotates and retires the keys.
    signing_key: { control: keep, authorization: read },
    subscriber_code: { authorization: write },
    subscriber_session: { authorization: write },
    used_assertion: { control: ['select', 'delete'], authorization: append },
  },
}
