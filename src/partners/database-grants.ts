import { keep, type ModuleGrants, read, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    application: { control: keep, authorization: read },
    authorization_settings: { control: write, authorization: read },
    credential: { control: write, authorization: read },
    explorer_key: { control: write },
    partner: { control: keep, authorization: read },
  },
}
