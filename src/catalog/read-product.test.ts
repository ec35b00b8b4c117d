import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkApi } from './check-api.ts'
import { parcelDocument, parcelProduct } from './testing.ts'

test('a mask that cannot be read hides no fault of the masks beside it, and each is told where it stands', async () => {
  const checked = await checkApi({
    document: parcelDocument,
    product: `${parcelProduct}operations:
  readParcel:
    masks:
      - { field: nothing, action: hash }
      - { field: id, action: hsah }
      - { field: inside, action: remove, colour: red }
      - { field: "inside[].nowhere", action: coarsen }
      - { field: id, action: hash, revealedBy: [unheard-of] }
`,
  })
  assert.ok(!checked.ok)
  assert.deepEqual(
    checked.faults.map(({ line, path }) => [line, path]),
    [
      [8, '#/operations/readParcel/masks/0/field'],
      [9, '#/operations/readParcel/masks/1/action'],
      [10, '#/operations/readParcel/masks/2/colour'],
      [11, '#/operations/readParcel/masks/3/field'],
      [12, '#/operations/readParcel/masks/4/revealedBy/0'],
    ],
  )
})
