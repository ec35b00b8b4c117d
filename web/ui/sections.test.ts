import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayPass } from './management.ts'
import { sectionAt } from './sections.ts'

test('a page belongs to the section with the longest address above it, and to no other that begins like it', () => {
  const sections = [
    { to: '/app', exact: true },
    { to: '/app/calls' },
    { to: '/app/consents' },
    { to: '/app/consents/words' },
  ]
  const at = (pathname: string) => sectionAt(sections, pathname)?.to
  assert.deepEqual(
    [at('/app'), at('/app/'), at('/app/calls/exc_1'), at('/app/callsign'), at('/elsewhere')],
    ['/app', '/app', '/app/calls', undefined, undefined],
  )
  assert.deepEqual(
    [at('/app/consents'), at('/app/consents/cns_1'), at('/app/consents/words')],
    ['/app/consents', '/app/consents', '/app/consents/words'],
  )
})

test('nothing is tried again that is refused for good', () => {
  const fault = (status: number) => ({ status, code: '', message: '', violations: [] })
  assert.deepEqual(
    [0, 400, 401, 403, 404, 408, 409, 429, 500, 503].filter((status) => mayPass(fault(status))),
    [0, 408, 429, 500, 503],
  )
})
