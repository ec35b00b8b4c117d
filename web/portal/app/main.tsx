import '@fontsource-variable/inter/wght.css'
import '../../ui/tokens.css'
import '../../ui/app/mantine.css'
import '../../ui/app/app.css'
import {
  IconActivity,
  IconApps,
  IconChartBar,
  IconHandStop,
  IconHome,
  IconKey,
  IconMessage,
  IconRocket,
  IconShieldLock,
  IconTerminal2,
  IconUser,
  IconUsers,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useLoaderData } from 'react-router'
import type { Session } from '#identity/schema'
import { AppFrame, type Section } from '../../ui/app/app-frame.tsx'
import { loadSession } from '../../ui/app/load-session.ts'
import { Waiting } from '../../ui/app/parts.tsx'
import { inFrame, RouteFault } from '../../ui/app/route-fault.tsx'
import { startApp } from '../../ui/app/start-app.tsx'
import { Suspended } from './suspended.tsx'

const sections: Section[] = [
  { to: '/app', label: 'Quickstart', icon: <IconHome size={18} />, exact: true },
  { to: '/app/applications', label: 'Applications', icon: <IconApps size={18} /> },
  { to: '/app/usage', label: 'Usage', icon: <IconChartBar size={18} /> },
  { to: '/app/consents', label: 'Consents', icon: <IconHandStop size={18} /> },
  { to: '/app/calls', label: 'Calls', icon: <IconActivity size={18} /> },
  {
    to: '/app/messages',
    label: 'Received messages',
    icon: <IconMessage size={18} />,
    needs: 'sandbox-message.read',
  },
  { to: '/app/production', label: 'Production', icon: <IconRocket size={18} /> },
  { to: '/app/members', label: 'Members', icon: <IconUsers size={18} /> },
  { to: '/app/sign-on', label: 'Single sign-on', icon: <IconKey size={18} />, needs: 'sso.read' },
  { to: '/app/tokens', label: 'API tokens', icon: <IconTerminal2 size={18} /> },
  { to: '/app/account', label: 'Account', icon: <IconUser size={18} /> },
  { to: '/app/security', label: 'Security', icon: <IconShieldLock size={18} /> },
]

function Frame(): ReactNode {
  const session = useLoaderData<Session>()
  return (
    <AppFrame
      sections={sections}
      session={session}
      home="/app"
      afterSignOut="/"
      notice={session.partnerId !== undefined && <Suspended partnerId={session.partnerId} />}
    />
  )
}

const signIn = (): string =>
  `/sign-in?return=${encodeURIComponent(location.pathname + location.search)}`

startApp(
  [
    {
      id: 'app',
      path: '/app',
      Component: Frame,
      ErrorBoundary: RouteFault,
      HydrateFallback: Waiting,
      loader: () => loadSession('partner', signIn()),
      shouldRevalidate: () => false,
      children: inFrame([
        {
          index: true,
          lazy: async () => ({ Component: (await import('./pages/home.tsx')).HomePage }),
        },
        {
          path: 'applications',
          lazy: async () => ({
            Component: (await import('./pages/applications.tsx')).ApplicationsPage,
          }),
        },
        {
          path: 'applications/:applicationId',
          lazy: async () => ({
            Component: (await import('./pages/application.tsx')).ApplicationPage,
          }),
        },
        {
          path: 'consents',
          lazy: async () => ({ Component: (await import('./pages/consents.tsx')).ConsentsPage }),
        },
        {
          path: 'usage',
          lazy: async () => ({ Component: (await import('./pages/usage.tsx')).UsagePage }),
        },
        {
          path: 'calls',
          lazy: async () => ({ Component: (await import('./pages/calls.tsx')).CallsPage }),
        },
        {
          path: 'calls/:exchangeId',
          lazy: async () => ({ Component: (await import('./pages/call.tsx')).CallPage }),
        },
        {
          path: 'messages',
          lazy: async () => ({ Component: (await import('./pages/messages.tsx')).MessagesPage }),
        },
        {
          path: 'production',
          lazy: async () => ({
            Component: (await import('./pages/production.tsx')).ProductionPage,
          }),
        },
        {
          path: 'members',
          lazy: async () => ({ Component: (await import('./pages/members.tsx')).MembersPage }),
        },
        {
          path: 'roles',
          lazy: async () => ({
            Component: (await import('../../ui/app/roles-page.tsx')).RolesPage,
          }),
        },
        {
          path: 'sign-on',
          lazy: async () => ({ Component: (await import('./pages/sign-on.tsx')).SignOnPage }),
        },
        {
          path: 'tokens',
          lazy: async () => ({
            Component: (await import('../../ui/app/tokens/tokens-page.tsx')).TokensPage,
          }),
        },
        {
          path: 'account',
          lazy: async () => ({ Component: (await import('./pages/account.tsx')).AccountPage }),
        },
        {
          path: 'security',
          lazy: async () => ({
            Component: (await import('../../ui/app/security/security-page.tsx')).SecurityPage,
          }),
        },
      ]),
    },
  ],
  signIn,
)
