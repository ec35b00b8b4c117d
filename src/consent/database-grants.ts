import { append, keep, type ModuleGrants, read } from '#platform/declared-grants'

/**
 * Both answer subscribers and applications: control serves consent-info, authorization the pages.
 * @public
 */
export const databaseGrants: ModuleGrants = {
  tables: {
    capture: { control: keep, authorization: keep },
    change: { control: append, authorization: append },
    consent: { control: keep, authorization: keep },
    notice: { control: append, authorization: append },
    shown: { control: append, authorization: append },
    text_version: { control: append, authorization: read },
  },
}
