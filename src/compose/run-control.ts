import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import swagger from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import { createAudit, createForgetting } from '#audit'
import { createAuthorization, handsetLink } from '#authorization'
import { createCatalog, isDpvPurpose } from '#catalog'
import { createConsent, subjectOf } from '#consent'
import { createContracts } from '#contracts'
import { forgetThings, readMembers, tellQuotaWarnings } from '#gateway'
import { createIdentity } from '#identity'
import { createMetering } from '#metering'
import { createMonitoring } from '#monitoring'
import { createPartners } from '#partners'
import { createAttempts, forgetOldAttempts } from '#platform/attempts'
import type { Config } from '#platform/config'
import { createHttpServer, type HttpServer, type Routes } from '#platform/http-server'
import { createInternalServer } from '#platform/internal-server'
import { createMail } from '#platform/mail'
import type { Platform } from '#platform/module'
import { startDispatcher } from '#platform/outbox'
import { forgetDeliveredEvents } from '#platform/past-events'
import { superviseProcess } from '#platform/process-lifecycle'
import { createPortal } from '#portal'
import { createSandboxInbox, forgetSandboxMessages } from '#sandbox'
import {
  createRevocations,
  createSnapshotCompiler,
  readPublishedRevisions,
  snapshotRoutes,
  sweepRevocations,
  sweepTombstones,
} from '#snapshot'
import { consentInfoNeeds } from './consent-info-needs.ts'
import { consentNeeds } from './consent-needs.ts'
import { createPlatform } from './create-platform.ts'
import { createDescribeExchange } from './describe-exchange.ts'
import { describeRoute } from './describe-route.ts'
import { erasers } from './erasers.ts'
import { evidenceSinks } from './evidence-sinks.ts'
import { firstCall } from './first-call.ts'
import { startJobs } from './jobs.ts'
import { createKeyUpkeep } from './key-upkeep.ts'
import { openTracing, traceRoutes } from './open-tracing.ts'
import { partnersInUse } from './partners-in-use.ts'
import { tellSupervisor } from './tell-supervisor.ts'
import { watchEvidence } from './watch-evidence.ts'
import { watchKeys } from './watch-keys.ts'

/** The modules of the control side, wired. */
export function wireControl(platform: Platform) {
  const { config, database, newId } = platform
  const attempts = createAttempts(database)
  const mail = createMail({
    smtpUrl: config.smtpUrl,
    sender: config.mailSender,
    folder: path.join(config.dataDir, 'mail'),
    newName: () => newId('message'),
  })
  const audit = createAudit(platform, {
    sinks: evidenceSinks(config, platform.clock),
    describe: (record, consentIds) => describeExchange(record, consentIds),
    pseudonymOf: (environment, number) => subjectOf(platform.sealing, environment, number),
  })
  const identity = createIdentity(platform, {
    attempts,
    mail,
    isSuspended: (partnerId) => partners.isSuspended(partnerId),
  })
  const catalog = createCatalog(platform, {
    usersOf: (apiId, since) => metering.partnersUsing(apiId, since),
    mailMembers: (trx, partnerId, message, cause) =>
      identity.mailMembers(trx, partnerId, message, cause),
  })
  const partners = createPartners(platform, {
    identity,
    requirementsOf: (partnerId) => contracts.requirementsOf(partnerId),
    firstCall: (credentials) => firstCall(config, catalog, credentials),
    purposes: {
      isPurpose: isDpvPurpose,
      basisOf: async (environment, scope, purpose) =>
        (await catalog.legalBasisOf(environment, scope, purpose))?.basis,
    },
  })
  const contracts = createContracts(platform, { catalog, partners, identity })
  const describeExchange = createDescribeExchange(platform, { partners, catalog })
  const consents = createConsent(platform, {
    ...consentNeeds(platform, partners),
    info: consentInfoNeeds(config, partners, contracts),
  })
  const authorization = createAuthorization(platform)
  const metering = createMetering(platform, {
    contracts,
    describeApi: async (apiId) => {
      const api = await catalog.get(apiId)
      return api && { title: api.title, owner: api.owner }
    },
  })
  const members = () => readMembers(database)
  const monitoring = createMonitoring({
    sealing: platform.sealing,
    members,
    heads: () => readPublishedRevisions(database),
  })
  const sandbox = createSandboxInbox(platform, {
    partners,
    handsetLink: (partnerId) => handsetLink(platform, partnerId),
  })
  const compiler = createSnapshotCompiler(platform, {
    catalog,
    partners,
    contracts,
    keyEntries: (environment) => authorization.keyEntries(environment),
  })
  const forgetting = createForgetting(platform, {
    pseudonymOf: (environment, number) => subjectOf(platform.sealing, environment, number),
    erasers: erasers(platform, partners),
  })
  const portal = createPortal(platform, { catalog, partners, contracts, sandbox })
  return {
    audit,
    identity,
    catalog,
    partners,
    contracts,
    consents,
    authorization,
    metering,
    monitoring,
    members,
    sandbox,
    compiler,
    portal,
    forgetting,
  }
}

export type Control = ReturnType<typeof wireControl>

/** Portal, console, management API, journal intake, and the reactions and jobs of every module. */
export async function runControl(config: Config): Promise<void> {
  const platform = await createPlatform(config, 'control')
  const { log, database } = platform
  const control = wireControl(platform)
  const server = createHttpServer({ log, trustedProxies: config.trustedProxies })
  const traces = await openTracing(config, log, { name: 'wayleave-control', instance: hostname() })
  traceRoutes(server, traces)
  await mountRoutes(server, platform, control)
  let ready = false
  const internal = createInternalServer({
    host: config.internalHost,
    port: config.control.internalPort,
    ready: () => ready,
    handlers: { ...control.metering.internalHandlers, ...control.consents.internalHandlers },
  })
  const keyUpkeep = createKeyUpkeep(platform)
  const keyWatch = watchKeys(platform, internal.registry)
  const evidenceWatch = watchEvidence(platform, control.audit, internal.registry)
  const dispatcher = startDispatcher({
    database,
    subscribers: [
      control.audit.subscriber,
      ...control.identity.subscribers,
      control.partners.subscriber,
      ...control.catalog.subscribers,
      ...control.contracts.subscribers,
      ...control.consents.subscribers,
      control.compiler.subscriber,
      createRevocations(platform, control.consents),
    ],
    log,
  })
  let jobs: { stop(): Promise<void> } | undefined
  const stopping = new AbortController()
  superviseProcess({
    log,
    async stop() {
      ready = false
      stopping.abort()
      await server.close()
      await control.catalog.close()
      await jobs?.stop()
      await dispatcher.stop()
      await internal.stop()
      await traces?.tracing.stop(2_000)
      await database.close()
    },
  })
  await internal.start()
  await control.contracts.prepare()
  await control.consents.loadTexts(path.join(config.dataDir, 'consent-texts'))
  await control.catalog.loadPack(path.join(config.root, 'catalog'))
  await control.compiler.ensureCompiled()
  await control.partners.guestApplication()
  jobs = startJobs(log, [
    { name: 'forget old attempts', everyMs: 3_600_000, run: () => forgetOldAttempts(database) },
    {
      name: 'forget delivered events',
      everyMs: 3_600_000,
      run: () => forgetDeliveredEvents(database, platform.clock),
    },
    {
      name: 'forget old evidence',
      everyMs: 3_600_000,
      run: () => control.forgetting.forgetOldEvidence(),
    },
    {
      name: 'expire erasures',
      everyMs: 60_000,
      run: () => control.forgetting.expireErasures(),
    },
    { name: 'forget things', everyMs: 3_600_000, run: () => forgetThings(platform) },
    { name: 'sweep revocations', everyMs: 300_000, run: () => sweepRevocations(platform) },
    { name: 'sweep tombstones', everyMs: 3_600_000, run: () => sweepTombstones(platform) },
    {
      name: 'forget sandbox messages',
      everyMs: 3_600_000,
      run: () => forgetSandboxMessages(database, platform.clock),
    },
    {
      name: 'forget ended sessions',
      everyMs: 3_600_000,
      run: () => control.identity.forgetEnded(),
    },
    {
      name: 'forget unconfirmed accounts',
      everyMs: 3_600_000,
      run: () => control.identity.forgetUnconfirmed(partnersInUse(control)),
    },
    {
      name: 'keep the days of the journal',
      everyMs: 3_600_000,
      run: () => control.metering.keepDays(),
    },
    { name: 'sign checkpoints', everyMs: 5_000, run: () => evidenceWatch.sign() },
    { name: 'look at the evidence', everyMs: 30_000, run: () => evidenceWatch.look() },
    { name: 'end consents', everyMs: 5_000, run: () => control.consents.expireDue() },
    { name: 'retire APIs', everyMs: 5_000, run: () => control.catalog.retireDue() },
    { name: 'tell quota warnings', everyMs: 2_000, run: () => tellQuotaWarnings(platform) },
    { name: 'look at the key-encryption key', everyMs: 300_000, run: () => keyWatch.look() },
    {
      name: 'maintain data keys',
      everyMs: 60_000,
      run: () => keyUpkeep.turn(stopping.signal),
    },
    { name: 'maintain signing keys', everyMs: 60_000, run: () => control.authorization.maintain() },
  ])
  await server.listen({ port: config.portal.port, host: config.host })
  ready = true
  const link = await control.identity.firstOperatorLink()
  if (link !== undefined) tellSupervisor({ type: 'first-operator', url: link })
  // The link travels before the word that everything is ready, so that it is shown with it.
  await delay(0)
  tellSupervisor({ type: 'ready' })
}

/** Every route of the control side, behind one guard; the management API describes itself. */
export async function mountRoutes(
  server: HttpServer,
  platform: Platform,
  control: Control,
): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Wayleave management',
        version: platform.config.version,
        description: 'Partners, applications, catalog, contracts, usage and evidence.',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0.html' },
      },
      servers: [{ url: platform.config.portal.url }],
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: control.identity.sessionCookieName },
          token: { type: 'http', scheme: 'bearer' },
        },
      },
    },
    hideUntagged: true,
    transform: describeRoute,
  })
  await control.identity.guard(server)
  const management: readonly Routes[] = [
    control.identity.routes,
    control.partners.routes,
    control.catalog.routes,
    control.contracts.routes,
    control.consents.routes,
    control.metering.routes,
    control.monitoring.routes,
    control.sandbox.routes,
    control.audit.routes,
    control.forgetting.routes,
    snapshotRoutes(platform, control.members),
    (scope) => {
      // Made once: whoever asks many times and reads nothing holds the same bytes each time.
      let text: Buffer | undefined
      scope.get('/openapi.json', { config: { access: 'public' } }, (_request, reply) => {
        text ??= Buffer.from(JSON.stringify(server.swagger()))
        return reply.type('application/json; charset=utf-8').send(text)
      })
    },
  ]
  const mount: FastifyPluginAsync = async (scope) => {
    for (const routes of management) await routes(scope as unknown as HttpServer)
  }
  await server.register(mount, { prefix: '/management/v1' })
  await control.portal.routes(server)
}
