/** @public */
export { checkForm } from './check-form.ts'
export { createIdentity, type Identity } from './create-identity.ts'
export { requireStepUp } from './require-step-up.ts'
export { NewRegistration } from './schema.ts'
export { sealedColumns } from './sealed-columns.ts'
