export { createSandbox, type Sandbox, type SandboxOptions } from './create-sandbox.ts'
export { createSandboxInbox, type SandboxInbox } from './create-sandbox-inbox.ts'
export { forgetSandboxMessages } from './forget-messages.ts'
export type { ApplicationOwners } from './inbox-routes.ts'
