import { append, keep, type ModuleGrants, read } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    duplicate: { control: append },
    // Days are made and dropped whole, by the functions below.
    exchange: { control: append },
    exchange_day: { control: read },
    meter: { control: keep },
    price: { control: keep },
    quarantine: { control: keep },
    rollup: { control: keep },
    segment: { control: keep },
    segment_day: { control: append },
    watermark: { control: keep },
  },
  functions: {
    drop_exchange_day: ['control'],
    erase_subject: ['control'],
    make_exchange_day: ['control'],
    // Of one subscriber, to whoever has proved to be it.
    uses_of_subject: ['authorization'],
  },
}
