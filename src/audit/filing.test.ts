import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOfFiling } from './filing.ts'

const at = new Date('2026-03-01T12:00:00.000Z')
const appended = new Date('2026-03-01T12:00:01.000Z')
const row = {
  ...{ kind: 'consent', id: 'cns_1/2', at, appended_at: appended, about: 'cns_1', final: true },
  ...{ partner_id: 'prt_1', application_id: 'app_1' },
}
const told = { kind: 'consent', id: 'cns_1/2', at: at.toISOString() }
/** As consents were written down before their filing was. */
const early = {
  ...told,
  ...{ recordId: 'cns_1', state: 'WITHDRAWN', piiControllers: [{ id: 'prt_1', name: 'P' }] },
  processing: { recipients: [{ id: 'app_1', name: 'A' }] },
}
const filed = {
  ...{ about: 'cns_1', final: true, partnerId: 'prt_1', applicationId: 'app_1' },
  appendedAt: appended.toISOString(),
}
const others = {
  about: { about: null },
  final: { final: false },
  partner: { partner_id: 'prt_2' },
  application: { application_id: null },
}

test('how evidence is filed is what its record says, also in records of before', () => {
  for (const record of [{ ...told, filed }, early]) {
    const text = JSON.stringify(record)
    assert.equal(faultOfFiling(text, row), undefined)
    for (const [name, other] of Object.entries(others))
      assert.match(faultOfFiling(text, { ...row, ...other }) ?? '', new RegExp(`: ${name}$`))
    for (const other of [{ kind: 'x' }, { id: 'cns_1/3' }, { at: appended }])
      assert.match(faultOfFiling(text, { ...row, ...other }) ?? '', /by another id or time/)
  }
  const late = { ...row, appended_at: at }
  assert.match(faultOfFiling(JSON.stringify({ ...told, filed }), late) ?? '', /time of appending/)
})

test('a consent of before whose state is no end is not final', () => {
  for (const state of ['PENDING', 'REQUESTED', 'GRANTED', 'OBJECTED']) {
    const text = JSON.stringify({ ...early, state })
    assert.equal(faultOfFiling(text, { ...row, final: false }), undefined, state)
    assert.match(faultOfFiling(text, row) ?? '', /: final$/)
  }
})

test('what tells of retention and erasure is filed under nothing', () => {
  const text = JSON.stringify({ kind: 'retention', id: 'ret_1', at: at.toISOString() })
  const own = {
    ...{ kind: 'retention', id: 'ret_1', at, appended_at: at, about: null, final: true },
    ...{ partner_id: null, application_id: null },
  }
  assert.equal(faultOfFiling(text, own), undefined)
  assert.match(faultOfFiling(text, { ...own, partner_id: 'prt_1' }) ?? '', /: partner$/)
})
