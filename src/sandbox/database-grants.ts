import { append, type ModuleGrants, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    // The simulated operator; control shows partners the inbox and empties it; the pages of the sandbox send codes and show handsets.
    message: { control: write, authorization: append, simulator: write },
    one_time_password: { control: write, simulator: write },
    thing: { control: write, simulator: write },
  },
}
