export { announceMember } from './announce-member.ts'
export { createGateway, type Gateway, type GatewayOptions } from './create-gateway.ts'
export type { GatewayLimits } from './gateway-limits.ts'
export { createQuotaLedger, type QuotaLedger } from './store.ts'
