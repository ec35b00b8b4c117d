/** @public */
export { checkForm } from './check-form.ts'
export { createIdentity, type Identity } from './create-identity.ts'
export { grantOf, type Permission } from './permissions.ts'
export { requirePermission } from './require-permission.ts'
export { NewRegistration } from './schema.ts'
export { sealedColumns } from './sealed-columns.ts'
