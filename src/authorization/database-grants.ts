import { append, keep, type ModuleGrants, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    artifact: { control: ['select', 'update', 'delete'], authorization: write },
    ciba_poll: { control: ['select', 'update', 'delete'], authorization: write },
    // The first keys are made by whoever comes first; control rotates and retires them.
    signing_key: { control: keep, authorization: append },
    // An erasure ends what the subscriber began.
    subscriber_code: { control: ['select', 'delete'], authorization: write },
    subscriber_session: { control: ['select', 'delete'], authorization: write },
    used_assertion: { control: ['select', 'delete'], authorization: append },
  },
}
