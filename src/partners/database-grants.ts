import { append, keep, type ModuleGrants, read, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    application: { control: keep, authorization: read },
    authorization_settings: { control: write, authorization: read },
    credential: { control: write, authorization: read },
    // Made by whoever comes first.
    explorer_key: { control: keep, authorization: append },
    partner: { control: keep, authorization: read },
  },
}
