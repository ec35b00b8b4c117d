import { append, type ModuleGrants, read, write } from '#platform/declared-grants'

/** @public */
export const databaseGrants: ModuleGrants = {
  tables: {
    acceptance: { control: append },
    agreement: { control: append },
    contract: { control: write, authorization: read },
    contract_plan: { control: write },
    plan: { control: read },
    price: { control: append },
    price_in_force: { control: write },
    published_api: { control: write, authorization: read },
    quota_warning: { control: write },
    subscription: { control: write, authorization: read },
  },
}
