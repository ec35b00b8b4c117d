import { Secret, TOTP } from 'otpauth'
import {
  type AccessWorld,
  type Ids,
  type OperatorRole,
  operatorRoles,
  type PartnerRole,
  password,
} from './access-table.ts'
import {
  type Answer,
  ask as askProduct,
  type Caller,
  issueToken,
  mailedToken,
  openProduction,
} from './partner-world.ts'
import { type Product, signUp, until } from './product.ts'

/** A partner with everything that a route can be about, and one person for each role. */
export async function createAccessWorld(product: Product): Promise<AccessWorld> {
  const ask: AccessWorld['ask'] = (caller, method, address, body) =>
    askProduct(product, caller, method, address, body)
  const [operatorToken, { registration, owner, agreementId, contractId }] = await Promise.all([
    issueToken(product, '--role', 'operator'),
    openProduction(product),
  ])
  const operator = { token: operatorToken }
  const partner = registration.partner.id
  const ofPartner = ['--role', 'partner', '--partner', partner]
  const join = joiner(product, ask)
  const memberOf = (role: PartnerRole) =>
    join({ by: owner, to: `/partners/${partner}/members`, page: 'accept-invitation', role })
  const staff = (role: OperatorRole) =>
    join({ by: operator, to: '/operators', page: 'console/accept-invitation', role })
  const people: Partial<Record<OperatorRole, Caller>> = {}
  const [partnerToken, narrowToken, developer, finance, viewer, factorless] = await Promise.all([
    issueToken(product, ...ofPartner),
    issueToken(product, ...ofPartner, '--scopes', 'usage.read'),
    memberOf('developer'),
    memberOf('finance'),
    memberOf('viewer'),
    staff('administrator'),
    ...operatorRoles.map(async (role) => {
      people[role] = await addFactor(ask, await staff(role))
    }),
  ])
  const foreign = await signUp(product)
  const suspended = await signUp(product)
  const reason = { reason: 'to see who may' }
  await must(
    200,
    ask(operator, 'POST', `/partners/${suspended.body.partner.id}/suspension`, reason),
  )
  const live = { name: 'Live', environment: 'production' }
  const production = await must(201, ask(owner, 'POST', '/applications', live))
  const wanted = { applicationId: production.body.id, apiId: 'sim-swap/v2' }
  await must(201, ask(owner, 'POST', '/subscriptions', wanted))
  const colleague = await must(
    201,
    ask(operator, 'POST', '/operators', { email: 'open@operator.example', role: 'auditor' }),
  )
  await ask(owner, 'POST', '/try-it', {
    apiId: 'sim-swap/v2',
    operationId: 'checkSimSwap',
    applicationId: registration.application.id,
    body: { phoneNumber: '+99012345678' },
  })
  const first = async (address: string): Promise<string> => {
    let id: string | undefined
    await until(async () => {
      id = (await ask(owner, 'GET', address)).body.items[0]?.id
      return id !== undefined
    }, 20_000)
    return id ?? ''
  }
  const absent = {
    invitation: 'mem_00000000000000000000',
    apiToken: 'tok_00000000000000000000',
    spare: 'app_00000000000000000000',
    credential: 'crd_00000000000000000000',
  }
  const ids: Ids = {
    ...absent,
    partner,
    viewer: viewer.id,
    application: registration.application.id,
    production: production.body.id,
    agreement: agreementId,
    contract: contractId,
    colleague: colleague.body.id,
    sandboxContract: await first('/contracts?environment=sandbox'),
    subscription: await first('/subscriptions?environment=sandbox'),
    exchange: await first('/exchanges'),
  }
  return {
    ask,
    ids,
    suspendedIds: {
      ...ids,
      partner: suspended.body.partner.id,
      viewer: suspended.body.member.id,
      application: suspended.body.application.id,
      spare: suspended.body.application.id,
    },
    who: {
      anonymous: {},
      foreign: { cookie: foreign.cookie },
      owner,
      developer,
      finance,
      viewer,
      'partner token': { token: partnerToken },
      'narrow token': { token: narrowToken },
      administrator: people.administrator ?? {},
      engineer: people.engineer ?? {},
      product: people.product ?? {},
      'partner-success': people['partner-success'] ?? {},
      auditor: people.auditor ?? {},
      'operator token': operator,
      suspended: { cookie: suspended.cookie },
      factorless,
    },
  }
}

type Person = { id: string; cookie: string }

/** Invites somebody, and accepts with the link that was mailed. */
function joiner(product: Product, ask: AccessWorld['ask']) {
  let count = 0
  return async (given: { by: Caller; to: string; page: string; role: string }): Promise<Person> => {
    count += 1
    const email = `joined-${count}@example.com`
    await must(201, ask(given.by, 'POST', given.to, { email, role: given.role }))
    const token = await mailedToken(product, email, given.page)
    const body = { token, name: given.role, password }
    const joined = await must(201, ask({}, 'POST', '/invitations/accept', body))
    return { id: joined.body.id, cookie: cookieOf(joined) }
  }
}

/** Staff who owe a second factor can do nothing but this. */
async function addFactor(ask: AccessWorld['ask'], person: Person): Promise<Person> {
  const begun = await must(200, ask(person, 'POST', '/factors/totp'))
  const secret = Secret.fromBase32(String(begun.body.secret))
  const code = new TOTP({ secret }).generate()
  const added = await must(200, ask(person, 'POST', '/factors/totp/confirm', { code }))
  return { id: person.id, cookie: cookieOf(added) }
}

async function must(status: number, asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked
  if (answer.status !== status) throw new Error(`${answer.status}: ${answer.text}`)
  return answer
}

const cookieOf = (answer: Answer): string =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
