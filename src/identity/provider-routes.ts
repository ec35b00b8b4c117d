import { Type } from 'typebox'
import { AppError } from '#platform/app-error'
import type { HttpServer, Routes } from '#platform/http-server'
import { operatorOwner } from './identity-provider.ts'
import { countMembers } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { addDomain, checkDomain, mailDomain, recordOf, removeDomain } from './prove-domain.ts'
import { findProviderRow, listDomains } from './provider-store.ts'
import { noSuchPartner, requirePartner } from './require-partner.ts'
import { PathId } from './schema.ts'
import { removeProvider, setProvider } from './set-provider.ts'
import {
  DomainMail,
  DomainProof,
  EmailDomain,
  NewEmailDomain,
  OperatorSso,
  PartnerSso,
  ProviderSetup,
} from './sso-schema.ts'
import type { EmailDomainRow, ProviderRow } from './tables.ts'

const tags = ['single sign-on']
const Params = Type.Object({ partnerId: PathId })
const DomainParams = Type.Object({ partnerId: PathId, domain: PathId })

/** Single sign-on of a partner, by its owners; that of the operator is in the settings of the installation. */
export function createProviderRoutes(identifying: Identifying): Routes {
  return (server) => {
    operatorRoute(server, identifying)
    providerRoutes(server, identifying)
    domainRoutes(server, identifying)
    domainProofRoutes(server, identifying)
  }
}

const presentDomain = (row: EmailDomainRow): EmailDomain => ({
  domain: row.domain,
  confirmed: row.confirmed_at !== null,
  record: recordOf(row),
})

const presentProvider = (row: ProviderRow): NonNullable<PartnerSso['provider']> => ({
  issuer: row.issuer,
  clientId: row.client_id,
  mode: row.mode,
  ...(row.role_claim !== null && { roleClaim: row.role_claim }),
  roles: row.roles,
  ...(row.default_role !== null && { defaultRole: row.default_role }),
  acrValues: row.acr_values,
  secondFactor: row.second_factor,
  changedAt: row.changed_at.toISOString(),
  ...(row.fault !== null &&
    row.fault_at !== null && { fault: { reason: row.fault, at: row.fault_at.toISOString() } }),
})

async function presentSso({ db, sso }: Identifying, partnerId: string): Promise<PartnerSso> {
  const [row, domains] = await Promise.all([
    findProviderRow(db, partnerId),
    listDomains(db, partnerId),
  ])
  return {
    redirectUri: sso.redirectUri(partnerId),
    ...(row !== undefined && { provider: presentProvider(row) }),
    domains: domains.map(presentDomain),
  }
}

function operatorRoute(server: HttpServer, { config, sso }: Identifying): void {
  server.get(
    '/operators/sso',
    {
      config: { access: 'operator-sso.read' },
      schema: {
        operationId: 'getOperatorSso',
        summary: 'Single sign-on of the staff, as the settings of the installation say',
        tags,
        response: { 200: OperatorSso },
      },
    },
    () => {
      const redirectUri = sso.redirectUri(operatorOwner)
      if (config.sso === undefined) return { redirectUri }
      const { clientSecret: _, networks: __, roleClaim, defaultRole, ...shown } = config.sso
      return {
        redirectUri,
        provider: {
          ...shown,
          domains: [...shown.domains],
          roles: [...shown.roles],
          acrValues: [...shown.acrValues],
          ...(roleClaim !== undefined && { roleClaim }),
          ...(defaultRole !== undefined && { defaultRole }),
        },
      }
    },
  )
}

function providerRoutes(server: HttpServer, identifying: Identifying): void {
  server.get(
    '/partners/:partnerId/sso',
    {
      config: { access: 'sso.read' },
      schema: {
        operationId: 'getSso',
        summary: 'The identity provider of a partner, and the domains that it answers for',
        tags,
        params: Params,
        response: { 200: PartnerSso },
      },
    },
    async (request) => {
      const { partnerId } = request.params
      requirePartner(request, partnerId)
      if ((await countMembers(identifying.db, partnerId)) === 0) throw noSuchPartner()
      return await presentSso(identifying, partnerId)
    },
  )
  server.put(
    '/partners/:partnerId/sso',
    {
      config: { access: 'sso.change' },
      schema: {
        operationId: 'setSso',
        summary: 'Set up the identity provider of a partner; it is asked whether it is one',
        description:
          'Another issuer ends the sessions that came from the one before, and unlinks its people.',
        tags,
        params: Params,
        body: ProviderSetup,
        response: { 200: PartnerSso },
      },
    },
    async (request) => {
      const { partnerId } = request.params
      requirePartner(request, partnerId)
      if ((await countMembers(identifying.db, partnerId)) === 0) throw noSuchPartner()
      await setProvider(identifying, { partnerId, actor: request.actor }, request.body)
      return await presentSso(identifying, partnerId)
    },
  )
  server.delete(
    '/partners/:partnerId/sso',
    {
      config: { access: 'sso.change' },
      schema: {
        operationId: 'removeSso',
        summary: 'End single sign-on; the sessions that came from it end at once',
        tags,
        params: Params,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { partnerId } = request.params
      requirePartner(request, partnerId)
      if (!(await removeProvider(identifying, { partnerId, actor: request.actor })))
        throw new AppError('NOT_FOUND', 'There is no single sign-on.')
      return reply.code(204).send(null)
    },
  )
}

function domainRoutes(server: HttpServer, identifying: Identifying): void {
  server.post(
    '/partners/:partnerId/sso/domains',
    {
      config: { access: 'sso.change' },
      schema: {
        operationId: 'addEmailDomain',
        summary: 'Name a domain of e-mail addresses, which is proved next',
        tags,
        params: Params,
        body: NewEmailDomain,
        response: { 201: EmailDomain },
      },
    },
    async (request, reply) => {
      const { partnerId } = request.params
      requirePartner(request, partnerId)
      if ((await countMembers(identifying.db, partnerId)) === 0) throw noSuchPartner()
      const of = { partnerId, actor: request.actor }
      const row = await addDomain(identifying, of, request.body.domain)
      return reply.code(201).send(presentDomain(row))
    },
  )
  server.delete(
    '/partners/:partnerId/sso/domains/:domain',
    {
      config: { access: 'sso.change' },
      schema: {
        operationId: 'removeEmailDomain',
        summary: 'Let a domain go: nobody with an address of it is signed in any more',
        tags,
        params: DomainParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { partnerId, domain } = request.params
      requirePartner(request, partnerId)
      await removeDomain(identifying, { partnerId, actor: request.actor }, domain)
      return reply.code(204).send(null)
    },
  )
}

function domainProofRoutes(server: HttpServer, identifying: Identifying): void {
  server.post(
    '/partners/:partnerId/sso/domains/:domain/mail',
    {
      config: { access: 'sso.change' },
      schema: {
        operationId: 'mailEmailDomain',
        summary: 'Mail a code to a mailbox of the domain, which proves it like the record does',
        tags,
        params: DomainParams,
        body: DomainMail,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { partnerId, domain } = request.params
      requirePartner(request, partnerId)
      await mailDomain(identifying, { partnerId, domain }, request.body.mailbox)
      return reply.code(204).send(null)
    },
  )
  server.post(
    '/partners/:partnerId/sso/domains/:domain/proof',
    {
      config: { access: 'sso.change' },
      schema: {
        operationId: 'proveEmailDomain',
        summary: 'Prove a domain by its TXT record, or by the code that was mailed to it',
        tags,
        params: DomainParams,
        body: DomainProof,
        response: { 200: EmailDomain },
      },
    },
    async (request) => {
      const { partnerId, domain } = request.params
      requirePartner(request, partnerId)
      const of = { partnerId, actor: request.actor }
      return presentDomain(await checkDomain(identifying, of, domain, request.body.code))
    },
  )
}
