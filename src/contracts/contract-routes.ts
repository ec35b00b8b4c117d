import { type Static, Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { maySee } from './authority.ts'
import {
  changePlan,
  endContract,
  liftSuspension,
  noSuchContract,
  suspendContract,
} from './change-contract.ts'
import { contractWire } from './contract-wire.ts'
import type { Contracting } from './needs.ts'
import { openContract } from './open-contract.ts'
import { Contract, NewContract, NewSuspension, PlanChange, Reference } from './schema.ts'
import { findContract, listContracts } from './store.ts'

const ContractList = listOf(Contract)
const ContractId = Type.Object({ contractId: Reference })
const ContractQuery = Type.Object(
  {
    ...PageQuery.properties,
    partnerId: Type.Optional(Reference),
    environment: Type.Optional(Contract.properties.environment),
    state: Type.Optional(Contract.properties.state),
  },
  { additionalProperties: false },
)
const tags = ['contracts']

export function createContractRoutes(contracting: Contracting): Routes {
  const { db } = contracting
  const { wire, wireOne } = contractWire(db)

  return (server) => {
    server.get(
      '/contracts',
      {
        config: { access: 'contract.read' },
        schema: {
          operationId: 'listContracts',
          summary: 'Contracts, newest first',
          tags,
          querystring: ContractQuery,
          response: { 200: ContractList },
        },
      },
      async ({ actor, query }): Promise<Static<typeof ContractList>> => {
        const asked = query.partnerId ?? (actor.kind === 'partner' ? actor.partnerId : undefined)
        // Somebody else's contracts are a list of nothing, as those of a partner that does not exist.
        if (asked !== undefined && !maySee(actor, asked)) return paginate([], 0, query)
        const { rows, total } = await listContracts(db, {
          partnerId: asked,
          environment: query.environment,
          state: query.state,
          limit: query.perPage,
          offset: offsetOf(query),
        })
        return paginate(await wire(rows), total, query)
      },
    )

    server.get(
      '/contracts/:contractId',
      {
        config: { access: 'contract.read' },
        schema: {
          operationId: 'getContract',
          summary: 'One contract',
          tags,
          params: ContractId,
          response: { 200: Contract },
        },
      },
      async ({ actor, params }) => {
        const row = await findContract(db, params.contractId)
        if (row === undefined || !maySee(actor, row.partner_id)) throw noSuchContract()
        return await wireOne(row)
      },
    )

    server.post(
      '/contracts',
      {
        config: { access: 'contract.open' },
        schema: {
          operationId: 'openContract',
          summary: 'Open your production contract',
          tags,
          body: NewContract,
          response: { 201: Contract },
        },
      },
      async (request, reply) => {
        const row = await openContract(contracting, request.actor, request.body)
        return reply
          .code(201)
          .header('location', `${request.routeOptions.url}/${row.id}`)
          .send(await wireOne(row))
      },
    )

    server.delete(
      '/contracts/:contractId',
      {
        config: { access: 'contract.end' },
        schema: {
          operationId: 'endContract',
          summary: 'End a production contract and its subscriptions, for good',
          tags,
          params: ContractId,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await endContract(contracting, request.actor, request.params.contractId)
        return reply.code(204).send(null)
      },
    )

    server.post(
      '/contracts/:contractId/suspension',
      {
        config: { access: 'contract.suspend' },
        schema: {
          operationId: 'suspendContract',
          summary: 'Stop every call under a contract',
          tags,
          params: ContractId,
          body: NewSuspension,
          response: { 201: Contract },
        },
      },
      async (request, reply) => {
        const row = await suspendContract(
          contracting,
          request.actor,
          request.params.contractId,
          request.body.reason,
        )
        return reply.code(201).send(await wireOne(row))
      },
    )

    server.delete(
      '/contracts/:contractId/suspension',
      {
        config: { access: 'contract.suspend' },
        schema: {
          operationId: 'liftSuspension',
          summary: 'Let a suspended contract work again',
          tags,
          params: ContractId,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await liftSuspension(contracting, request.actor, request.params.contractId)
        return reply.code(204).send(null)
      },
    )

    server.post(
      '/contracts/:contractId/plan',
      {
        config: { access: 'contract.change-plan' },
        schema: {
          operationId: 'changeContractPlan',
          summary: 'Put a contract on another plan',
          tags,
          params: ContractId,
          body: PlanChange,
          response: { 200: Contract },
        },
      },
      async (request) =>
        await wireOne(
          await changePlan(
            contracting,
            request.actor,
            request.params.contractId,
            request.body.planId,
          ),
        ),
    )
  }
}
