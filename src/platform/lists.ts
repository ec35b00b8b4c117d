import { type Static, type TSchema, Type } from 'typebox'

/**
 * The page of every list (CAMARA Commonalities 0.8, pagination): `page` from 1, `perPage` 1 to 100.
 * @public
 */
export const PageQuery = Type.Object({
  page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
  perPage: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
})
/** @public */
export type Page = Static<typeof PageQuery>

/** @public */
export const Pagination = Type.Object({
  page: Type.Integer(),
  perPage: Type.Integer(),
  totalCount: Type.Integer(),
  totalPages: Type.Integer(),
})
/** @public */
export type Pagination = Static<typeof Pagination>

/**
 * The answer of a list route.
 * @public
 */
export const listOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), pagination: Pagination })

/** @public */
export function paginate<T>(
  items: T[],
  totalCount: number,
  query: Page,
): { items: T[]; pagination: Pagination } {
  return {
    items,
    pagination: {
      page: query.page,
      perPage: query.perPage,
      totalCount,
      totalPages: Math.ceil(totalCount / query.perPage),
    },
  }
}

/** @public */
export const offsetOf = (query: Page): number => (query.page - 1) * query.perPage
