import { createNetwork, createSubscriberPages, rememberBases } from '#authorization'
import { createLegalBases } from '#catalog'
import { createConsentDirectory, createHttpSms, createOwnRecords } from '#consent'
import type { PartnerDirectory } from '#partners'
import { createAttempts } from '#platform/attempts'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { createSandboxHandsets, createSandboxSms } from '#sandbox'
import { consentNeeds } from './consent-needs.ts'
import { namedUses } from './subscriber-uses.ts'

/** What stands behind grants that a subscriber is part of: the network, consent, messages and pages of an environment. */
export function createSubscriberParts(platform: Platform, partners: PartnerDirectory) {
  const consent = createConsentDirectory(platform, consentNeeds(platform, partners))
  const parts = (environment: Environment) => partsOf(platform, partners, environment, consent)
  return { sandbox: parts('sandbox'), production: parts('production') }
}

function partsOf(
  platform: Platform,
  partners: PartnerDirectory,
  environment: Environment,
  consent: ReturnType<typeof createConsentDirectory>,
) {
  const { config, database } = platform
  const network = createNetwork(platform, environment)
  const bases = createLegalBases(platform)
  const sms =
    environment === 'sandbox'
      ? { missing: undefined, send: createSandboxSms(platform) }
      : createHttpSms(config.consent.sms)
  const { send } = sms
  const records = createOwnRecords(platform)
  const { pages, endpoints } = createSubscriberPages(platform, environment, {
    consent,
    describe: records.describe,
    exportOf: records.exportOf,
    usesOf: namedUses(platform, partners, records, environment),
    scopesOfApi: bases.scopesOfApi,
    mayServe: network.lookup.mayServe,
    messagesMissing: sms.missing,
    // In the sandbox a code is shown to the browser that asked for it: a seeded number has many owners.
    sendMessage: (phoneNumber, text, { browser }) => send(phoneNumber, text, senderOf(browser)),
    ...(environment === 'sandbox' ? { handsets: handsetsOf(platform, partners) } : {}),
  })
  return {
    consent,
    network,
    lookup: network.lookup,
    sendMessage: send,
    basisOf: rememberBases(
      async (scope, purpose) => (await bases.legalBasisOf(environment, scope, purpose))?.basis,
      () => performance.now(),
    ),
    attempts: createAttempts(database),
    operatorName: config.operatorName,
    pages,
    endpoints,
  }
}

const senderOf = (browser: string): string => `browser:${browser}`

function handsetsOf({ database }: Platform, partners: PartnerDirectory) {
  const handsets = createSandboxHandsets(database)
  return {
    subscribers: handsets.subscribers,
    async messagesTo(
      phoneNumber: string,
      { partnerId, browser }: { partnerId: string | undefined; browser: string },
    ) {
      const own = partnerId === undefined ? [] : await partners.applicationsOf(partnerId)
      return await handsets.messagesTo(phoneNumber, [
        senderOf(browser),
        ...own.filter(({ environment }) => environment === 'sandbox').map(({ id }) => id),
      ])
    },
  }
}
