import '@fontsource-variable/inter/wght.css'
import '../ui/tokens.css'
import '../ui/app/mantine.css'
import '../ui/app/app.css'
import {
  IconActivity,
  IconApi,
  IconBuilding,
  IconCertificate,
  IconHandStop,
  IconKey,
  IconLanguage,
  IconListCheck,
  IconSearch,
  IconServer,
  IconShieldLock,
  IconTerminal2,
  IconUsers,
  IconUserX,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { redirect, useLoaderData } from 'react-router'
import type { Session } from '#identity/schema'
import { AppFrame, type Section } from '../ui/app/app-frame.tsx'
import { loadSession } from '../ui/app/load-session.ts'
import { Waiting } from '../ui/app/parts.tsx'
import { inFrame, RouteFault } from '../ui/app/route-fault.tsx'
import { startApp } from '../ui/app/start-app.tsx'

const sections: Section[] = [
  { to: '/console/partners', label: 'Partners', icon: <IconBuilding size={18} /> },
  { to: '/console/apis', label: 'APIs', icon: <IconApi size={18} /> },
  { to: '/console/calls', label: 'Live calls', icon: <IconActivity size={18} /> },
  { to: '/console/exchanges', label: 'Find a call', icon: <IconSearch size={18} /> },
  {
    to: '/console/consents',
    label: 'Consents',
    icon: <IconHandStop size={18} />,
    needs: 'consent.read',
  },
  {
    to: '/console/consents/words',
    label: 'Words of consent',
    icon: <IconLanguage size={18} />,
    needs: 'consent-text.read',
  },
  {
    to: '/console/evidence',
    label: 'Evidence',
    icon: <IconCertificate size={18} />,
    needs: 'evidence.read',
  },
  {
    to: '/console/erasures',
    label: 'Erasures',
    icon: <IconUserX size={18} />,
    needs: 'erasure.read',
  },
  { to: '/console/gateways', label: 'Gateways', icon: <IconServer size={18} /> },
  { to: '/console/audit', label: 'Audit', icon: <IconListCheck size={18} /> },
  { to: '/console/staff', label: 'Staff', icon: <IconUsers size={18} /> },
  {
    to: '/console/sign-on',
    label: 'Single sign-on',
    icon: <IconKey size={18} />,
    needs: 'operator-sso.read',
  },
  { to: '/console/tokens', label: 'API tokens', icon: <IconTerminal2 size={18} /> },
  { to: '/console/security', label: 'Security', icon: <IconShieldLock size={18} /> },
]

function Frame(): ReactNode {
  const session = useLoaderData<Session>()
  return (
    <AppFrame
      sections={sections}
      session={session}
      home="/console"
      badge="Operator console"
      afterSignOut="/console/sign-in"
      security="/console/security"
    />
  )
}

startApp(
  [
    {
      path: '/console/sign-in',
      ErrorBoundary: RouteFault,
      HydrateFallback: Waiting,
      lazy: async () => ({ Component: (await import('./pages/sign-in.tsx')).SignInPage }),
    },
    {
      path: '/console/welcome',
      ErrorBoundary: RouteFault,
      HydrateFallback: Waiting,
      lazy: async () => ({ Component: (await import('./pages/welcome.tsx')).WelcomePage }),
    },
    {
      path: '/console/accept-invitation',
      ErrorBoundary: RouteFault,
      HydrateFallback: Waiting,
      lazy: async () => ({
        Component: (await import('./pages/accept-invitation.tsx')).AcceptInvitationPage,
      }),
    },
    {
      id: 'console',
      path: '/console',
      Component: Frame,
      ErrorBoundary: RouteFault,
      HydrateFallback: Waiting,
      loader: () => loadSession('operator', '/console/sign-in', '/console/security'),
      shouldRevalidate: () => false,
      children: inFrame([
        { index: true, loader: () => redirect('/console/partners') },
        {
          path: 'partners',
          lazy: async () => ({ Component: (await import('./pages/partners.tsx')).PartnersPage }),
        },
        {
          path: 'partners/:partnerId',
          lazy: async () => ({ Component: (await import('./pages/partner.tsx')).PartnerPage }),
        },
        {
          path: 'applications/:applicationId',
          lazy: async () => ({
            Component: (await import('./pages/application.tsx')).ApplicationPage,
          }),
        },
        {
          path: 'apis',
          lazy: async () => ({ Component: (await import('./pages/apis.tsx')).ApisPage }),
        },
        {
          path: 'apis/publish',
          lazy: async () => ({ Component: (await import('./pages/publish.tsx')).PublishPage }),
        },
        {
          path: 'apis/:apiName/:version',
          lazy: async () => ({ Component: (await import('./pages/version.tsx')).VersionPage }),
        },
        {
          path: 'contracts/:contractId',
          lazy: async () => ({ Component: (await import('./pages/contract.tsx')).ContractPage }),
        },
        {
          path: 'calls',
          lazy: async () => ({ Component: (await import('./pages/calls.tsx')).LiveCallsPage }),
        },
        {
          path: 'exchanges',
          lazy: async () => ({ Component: (await import('./pages/find-call.tsx')).FindCallPage }),
        },
        {
          path: 'exchanges/:exchangeId',
          lazy: async () => ({ Component: (await import('./pages/exchange.tsx')).ExchangePage }),
        },
        {
          path: 'erasures',
          lazy: async () => ({ Component: (await import('./pages/erasures.tsx')).ErasuresPage }),
        },
        {
          path: 'consents',
          lazy: async () => ({ Component: (await import('./pages/consents.tsx')).ConsentsPage }),
        },
        {
          path: 'consents/words',
          lazy: async () => ({
            Component: (await import('./pages/consent-words.tsx')).ConsentWordsPage,
          }),
        },
        {
          path: 'consents/:consentId',
          lazy: async () => ({ Component: (await import('./pages/consent.tsx')).ConsentPage }),
        },
        {
          path: 'evidence',
          lazy: async () => ({ Component: (await import('./pages/evidence.tsx')).EvidencePage }),
        },
        {
          path: 'evidence/exchanges/:exchangeId',
          lazy: async () => ({
            Component: (await import('./pages/evidence-why.tsx')).EvidenceWhyPage,
          }),
        },
        {
          path: 'evidence/leaves/:position',
          lazy: async () => ({
            Component: (await import('./pages/evidence-why.tsx')).EvidenceWhyPage,
          }),
        },
        {
          path: 'gateways',
          lazy: async () => ({ Component: (await import('./pages/gateways.tsx')).GatewaysPage }),
        },
        {
          path: 'audit',
          lazy: async () => ({ Component: (await import('./pages/audit.tsx')).AuditPage }),
        },
        {
          path: 'staff',
          lazy: async () => ({ Component: (await import('./pages/staff.tsx')).StaffPage }),
        },
        {
          path: 'roles',
          lazy: async () => ({ Component: (await import('../ui/app/roles-page.tsx')).RolesPage }),
        },
        {
          path: 'sign-on',
          lazy: async () => ({ Component: (await import('./pages/sign-on.tsx')).SignOnPage }),
        },
        {
          path: 'tokens',
          lazy: async () => ({
            Component: (await import('../ui/app/tokens/tokens-page.tsx')).TokensPage,
          }),
        },
        {
          path: 'security',
          lazy: async () => ({
            Component: (await import('../ui/app/security/security-page.tsx')).SecurityPage,
          }),
        },
      ]),
    },
  ],
  () => '/console/sign-in',
)
