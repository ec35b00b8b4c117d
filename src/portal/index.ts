export { createPortal, type Portal } from './create-portal.ts'
export type { PortalNeeds } from './portal-needs.ts'
