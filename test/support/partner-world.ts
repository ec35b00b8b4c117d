import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Product, type Registration, signUp, until, wayleave } from './product.ts'

/** A credential that a request carries, or none. */
export type Caller = { cookie?: string; token?: string }

/** What journeys read of an answer; anything else that it holds is unknown. */
export type JsonBody = {
  readonly [name: string]: unknown
  id: string
  status: number
  code: string
  message: string
  reason: string
  refusedBy: string
  token: string
  total: { units: number; amount: string }
  apiKey: string
  clientId: string
  clientSecret: string
  credentials: Credentials
  production: { ready: boolean }
  violations: { path: string; message: string }[]
  items: [Item, ...Item[]]
}

type Credentials = { id: string; clientId: string; clientSecret: string }
type Item = { readonly [name: string]: unknown; id: string }

export type Answer = {
  status: number
  headers: Headers
  text: string
  body: JsonBody
}

/** The body of an answer as what its route promises. */
export const bodyAs = <T>(answer: Answer): T => JSON.parse(answer.text) as T

/** One request to the management API, as a program makes it. */
export async function ask(
  product: Pick<Product, 'wellKnown'>,
  caller: Caller,
  method: string,
  address: string,
  body?: unknown,
): Promise<Answer> {
  const answer = await fetch(`${product.wellKnown.management}${address}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(caller.cookie !== undefined && { cookie: caller.cookie }),
      ...(caller.token !== undefined && { authorization: `Bearer ${caller.token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: (isJson && text !== '' ? JSON.parse(text) : undefined) as JsonBody,
  }
}

/** The token of the newest link to a page that was mailed to an address. */
export async function mailedToken(
  product: Pick<Product, 'dataDir'>,
  to: string,
  page: string,
): Promise<string> {
  const folder = path.join(product.dataDir, 'mail')
  const link = new RegExp(`/${page}#token=([\\w-]+)`)
  let token: string | undefined
  await until(() => {
    for (const file of namesIn(folder).sort().reverse()) {
      const text = readFileSync(path.join(folder, file), 'utf8')
      if (!text.includes(to)) continue
      token = link.exec(text)?.[1]
      if (token !== undefined) return true
    }
    return false
  }, 20_000)
  return token ?? ''
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.eml'))
  } catch {
    return []
  }
}

export async function issueToken(
  product: Pick<Product, 'env'>,
  ...args: string[]
): Promise<string> {
  const made = await wayleave(product, 'token', 'create', '--json', ...args)
  if (made.code !== 0) throw new Error(made.stderr)
  return (JSON.parse(made.stdout) as { token: string }).token
}

export type ProductionPartner = {
  registration: Registration
  owner: { cookie: string }
  email: string
  agreementId: string
  contractId: string
}

/** A partner that has done everything that production asks of it, by the routes and the mail. */
export async function openProduction(product: Product): Promise<ProductionPartner> {
  const { body: registration, cookie, email } = await signUp(product)
  const owner = { cookie }
  const confirmed = await ask(product, {}, 'POST', '/email-verification/confirm', {
    token: await mailedToken(product, email, 'verify-email'),
  })
  if (confirmed.status !== 204) throw new Error(confirmed.text)
  const agreements = await ask(product, owner, 'GET', '/agreements')
  const agreementId = String(agreements.body.items[0].id)
  const accepted = await ask(product, owner, 'POST', `/agreements/${agreementId}/acceptances`)
  if (accepted.status !== 201) throw new Error(accepted.text)
  const terms = { planId: 'pln_paid', agreementId }
  const opened = await ask(product, owner, 'POST', '/contracts', terms)
  if (opened.status !== 201) throw new Error(opened.text)
  return { registration, owner, email, agreementId, contractId: String(opened.body.id) }
}
