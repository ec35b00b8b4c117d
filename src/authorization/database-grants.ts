import { append, keep, type ModuleGrants, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    artifact: { control: ['select', 'update', 'delete'], authorization: write },
    ciba_poll: { control: ['select', 'update', 'delete'], authorization: write },
    // The first keys are made by whoever comes first; control rotates and retires them.
    signing_key: { control: keep, authorization: append },
    subscriber_code: { authorization: write },
    subscriber_session: { authorization: write },
    used_assertion: { control: ['select', 'delete'], authorization: append },
  },
}
