import { type Product, startProduct } from './product.ts'

const variable = 'WAYLEAVE_TEST_PRODUCT'

/** What test files use of a product that others use as well: nobody ends it or one of its roles. */
export type SharedProduct = Pick<Product, 'portBase' | 'dataDir' | 'wellKnown' | 'env'>

/** Starts a product for all test files that are run after this, and are content with one that others use. */
export async function lendProduct(): Promise<{ end(): Promise<void> }> {
  const cleanUps: (() => Promise<void> | void)[] = []
  const end = async (): Promise<void> => {
    delete process.env[variable]
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp()
  }
  try {
    const { portBase, dataDir, wellKnown, env } = await startProduct({
      after: (fn) => void cleanUps.push(fn),
    })
    process.env[variable] = JSON.stringify({ portBase, dataDir, wellKnown, env })
  } catch (error) {
    await end()
    throw error
  }
  return { end }
}

/** The product that the run lends, or one of its own for a test file that is run alone. */
export async function sharedProduct(t: Parameters<typeof startProduct>[0]): Promise<SharedProduct> {
  const lent = process.env[variable]
  return lent === undefined ? await startProduct(t) : (JSON.parse(lent) as SharedProduct)
}
