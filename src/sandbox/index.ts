export { createSandbox } from './create-sandbox.ts'
export { createSandboxInbox } from './create-sandbox-inbox.ts'
export { forgetSandboxMessages } from './forget-messages.ts'
