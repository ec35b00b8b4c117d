import { Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import { maySee } from './authority.ts'
import { noSuchContract } from './change-contract.ts'
import { replaceLimits, replaceMasks, resetLimits } from './change-terms.ts'
import { contractWire } from './contract-wire.ts'
import type { Contracting } from './needs.ts'
import { Contract, ContractMasks, NewContractMasks, NewLimits, Reference } from './schema.ts'
import { findContract } from './store.ts'

const ContractId = Type.Object({ contractId: Reference })
const tags = ['contracts']

/** What an operator agrees with one partner: limits of its own, and what of responses is masked for it. */
export function createTermRoutes(contracting: Contracting): Routes {
  const { db } = contracting
  const { wireOne } = contractWire(db)
  return (server) => {
    server.get(
      '/contracts/:contractId/masks',
      {
        config: { access: 'contract.read' },
        schema: {
          operationId: 'getContractMasks',
          summary: 'What is done to response fields under a contract',
          tags,
          params: ContractId,
          response: { 200: ContractMasks },
        },
      },
      async ({ actor, params }) => {
        const row = await findContract(db, params.contractId)
        if (row === undefined || !maySee(actor, row.partner_id)) throw noSuchContract()
        return { masks: row.masks }
      },
    )

    server.put(
      '/contracts/:contractId/masks',
      {
        config: { access: 'contract.change-terms' },
        schema: {
          operationId: 'replaceContractMasks',
          summary: 'Replace what is done to response fields under a contract',
          description:
            'Goes before what the products say of the same fields; `pass` lets a field through. `*` is every API that has the field. A field that an API requires cannot be removed.',
          tags,
          params: ContractId,
          body: NewContractMasks,
          response: { 200: ContractMasks },
        },
      },
      async ({ actor, params, body }) => {
        const row = await replaceMasks(contracting, actor, params.contractId, body.masks)
        return { masks: row.masks }
      },
    )

    server.put(
      '/contracts/:contractId/limits',
      {
        config: { access: 'contract.change-terms' },
        schema: {
          operationId: 'replaceContractLimits',
          summary: 'Give a contract limits of its own, in the place of all limits of its plan',
          description:
            'What is left out is not limited. They hold until they are reset or the plan changes.',
          tags,
          params: ContractId,
          body: NewLimits,
          response: { 200: Contract },
        },
      },
      async ({ actor, params, body }) =>
        await wireOne(await replaceLimits(contracting, actor, params.contractId, body)),
    )

    server.delete(
      '/contracts/:contractId/limits',
      {
        config: { access: 'contract.change-terms' },
        schema: {
          operationId: 'resetContractLimits',
          summary: 'Put a contract back to the limits of its plan',
          tags,
          params: ContractId,
          response: { 204: Type.Null() },
        },
      },
      async ({ actor, params }, reply) => {
        await resetLimits(contracting, actor, params.contractId)
        return reply.code(204).send(null)
      },
    )
  }
}
