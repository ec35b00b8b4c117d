import { append, keep, type ModuleGrants, read } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    api_revision: { control: append },
    api_version: { control: keep, authorization: read },
  },
}
