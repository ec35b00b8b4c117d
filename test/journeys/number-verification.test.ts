import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as library from 'openid-client'
import { ask } from '../support/partner-world.ts'
import { signUp } from '../support/product.ts'
import { sharedProduct } from '../support/shared-product.ts'
import { handsetOf, subscriberBrowser } from '../support/subscriber.ts'

const number = '+99010000001'
const other = '+99010000002'
const callback = 'http://localhost:4711/callback'
const purpose = 'dpv:FraudPreventionAndDetection'
const ciba = 'dpv:IdentityVerification'
const verify = 'number-verification:verify'
const share = 'number-verification:device-phone-number:read'

test('Number Verification: a third-party library, silent sign-in by the network, and a consent that is asked for once', async (t) => {
  const product = await sharedProduct(t)
  const { body, cookie } = await signUp(product)
  const { clientId, clientSecret } = body.credentials
  const settings = `/applications/${body.application.id}/authorization`
  const { revision } = (await ask(product, { cookie }, 'GET', settings)).body
  const set = await ask(product, { cookie }, 'PUT', settings, {
    revision,
    redirectUris: [callback],
    grants: [
      { grantType: 'authorization_code', purpose, scopes: [verify, share] },
      { grantType: 'urn:openid:params:grant-type:ciba', purpose: ciba, scopes: [verify] },
    ],
  })
  assert.equal(set.status, 200, set.text)
  const { issuer, gateway } = product.wellKnown.environments.sandbox
  const config = await library.discovery(
    new URL(issuer),
    clientId,
    undefined,
    library.ClientSecretBasic(clientSecret),
    { execute: [library.allowInsecureRequests] },
  )
  const phone = await handsetOf(product, cookie, number)

  /** What the partner's page does: sends the browser away, and reads the address that it comes back with. */
  const begin = async (browser: Pick<typeof phone, 'get'>, scope: string, prompt?: 'none') => {
    const pkceCodeVerifier = library.randomPKCECodeVerifier()
    const expectedState = library.randomState()
    const url = library.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: `openid ${purpose} ${scope}`,
      state: expectedState,
      code_challenge: await library.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...(prompt !== undefined && { prompt }),
    })
    const page = await browser.get(url.href)
    const redeem = (back: string | undefined) =>
      library.authorizationCodeGrant(config, new URL(back ?? ''), {
        pkceCodeVerifier,
        expectedState,
      })
    return { page, redeem }
  }
  const call = async (token: string, path: string, sent?: object) => {
    const answer = await fetch(`${gateway}/number-verification/v2${path}`, {
      method: sent === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(sent !== undefined && { body: JSON.stringify(sent) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  await t.test(
    'prompt=none needs no page where the basis is no consent, and the number is compared',
    async () => {
      const { page, redeem } = await begin(phone, verify, 'none')
      const tokens = await redeem(page.next)
      const hashed = createHash('sha256').update(number).digest('hex')
      for (const [sent, same] of [
        [{ phoneNumber: number }, true],
        [{ phoneNumber: other }, false],
        [{ hashedPhoneNumber: hashed }, true],
      ] as const)
        assert.deepEqual(await call(tokens.access_token, '/verify', sent), {
          status: 200,
          body: { devicePhoneNumberVerified: same },
        })
      assert.equal((await call(tokens.access_token, '/device-phone-number')).status, 403)
    },
  )

  await t.test(
    'on Wi-Fi the library is told that nobody is known, and shows it as such',
    async () => {
      const { page, redeem } = await begin(subscriberBrowser(), verify, 'none')
      await assert.rejects(
        redeem(page.next),
        (error) =>
          error instanceof library.AuthorizationResponseError && error.error === 'login_required',
      )
    },
  )

  await t.test(
    'the number itself needs consent: silently refused, asked for on a page, then silent',
    async () => {
      const silent = await begin(phone, share, 'none')
      await assert.rejects(
        silent.redeem(silent.page.next),
        (error) =>
          error instanceof library.AuthorizationResponseError && error.error === 'consent_required',
      )
      const asked = await begin(phone, share)
      const question = await phone.get(asked.page.next ?? '')
      assert.equal(question.status, 200, question.text)
      const answered = await phone.post(question, /interaction\/[\w-]+/, { answer: 'allow' })
      const resumed = await phone.get(answered.next ?? '')
      const tokens = await asked.redeem(resumed.next)
      assert.deepEqual(await call(tokens.access_token, '/device-phone-number'), {
        status: 200,
        body: { devicePhoneNumber: number },
      })
      const again = await begin(phone, share, 'none')
      assert.ok((await again.redeem(again.page.next)).access_token)
    },
  )

  await t.test('a token of the back channel says nothing of who holds the phone', async () => {
    const begun = await library.initiateBackchannelAuthentication(config, {
      scope: `openid ${ciba} ${verify}`,
      login_hint: `tel:${number}`,
    })
    const tokens = await library.genericGrantRequest(config, 'urn:openid:params:grant-type:ciba', {
      auth_req_id: begun.auth_req_id,
    })
    const refused = await call(tokens.access_token, '/verify', { phoneNumber: number })
    assert.deepEqual(
      [refused.status, refused.body.code],
      [403, 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK'],
    )
  })
})
