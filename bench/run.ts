import { execFileSync } from 'node:child_process'
import path from 'node:path'

const runScript = (file: string): void => {
  execFileSync(process.execPath, [path.join(import.meta.dirname, file)], { stdio: 'inherit' })
}

/** Each bench prints its own tables, binds 127.0.0.1 only, and ends by itself. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  gateway: async () => (await import('./gateway.ts')).benchGateway(),
  policies: async () => (await import('./policies.ts')).benchPolicies(),
  token: async () => runScript('token.ts'),
  intake: async () => (await import('./intake.ts')).benchIntake(),
  limits: async () => (await import('./limits.ts')).benchLimits(),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  console.error(
    `there is no bench ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`,
  )
  process.exit(2)
}
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.log(`\n# ${name}`)
  await bench()
}
