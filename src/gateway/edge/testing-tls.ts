import { serverCertificate } from '#platform/local-certificate'
import { testFolder } from '#platform/testing-folder'
import type { GatewayOptions } from '../create-gateway.ts'
import { customer, type TestGateway, testGateway, testKey, testUpstream } from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'

type TestContext = Parameters<typeof testUpstream>[0]

export const key = testKey()
export const token = key.token(1)
export const body = '{"phoneNumber":"+99012345678"}'

let made: Promise<{ key: string; cert: string }> | undefined

/** One certificate for `localhost` for all tests of a file. */
export const testCertificate = (t: TestContext): Promise<{ key: string; cert: string }> => {
  made ??= serverCertificate({
    folder: testFolder(t),
    keyFile: undefined,
    certificateFile: undefined,
  })
  return made
}

/** A gateway with a TLS address, an upstream that it calls, and one customer. */
export async function tlsGateway(
  t: TestContext,
  more: Partial<GatewayOptions> = {},
): Promise<
  TestGateway & {
    upstream: Awaited<ReturnType<typeof testUpstream>>
    port: number
    cert: string
  }
> {
  const own = await testCertificate(t)
  const upstream = await testUpstream(t)
  const entries = [simSwap(upstream.url), payments(upstream.url), key.entry, ...customer(1)]
  const tls = { host: '127.0.0.1', port: 0, ...own }
  const gateway = await testGateway(t, entries, { tls, ...more })
  return { ...gateway, upstream, port: gateway.gateway.tlsPort() ?? 0, cert: own.cert }
}

/** The value of one line of the metrics; 0 when it is not there yet. */
export async function counted(
  gateway: Pick<TestGateway, 'registry'>,
  line: string,
): Promise<number> {
  const text = await gateway.registry.metrics()
  const found = text.split('\n').find((one) => one.startsWith(line))
  return Number(found?.split(' ').at(-1) ?? 0)
}
