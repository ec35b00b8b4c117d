import {
  ActionIcon,
  Anchor,
  AppShell,
  Badge,
  Box,
  Burger,
  Button,
  Group,
  NavLink,
  Text,
  useMantineColorScheme,
} from '@mantine/core'
import { IconLogout, IconMoon, IconSun, IconSunMoon } from '@tabler/icons-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, Outlet, useLocation } from 'react-router'
import type { PermissionName, Session } from '#identity/schema'
import { Mark } from '../../portal/parts/icons.tsx'
import { manage } from '../management.ts'
import { sectionAt } from '../sections.ts'
import { WhoMay } from './may.tsx'
import { readPageContext } from './page-context.ts'
import { Notice, PageTitle } from './parts.tsx'
import { StepUpDialog } from './step-up.tsx'

export type Section = {
  to: string
  label: string
  icon: ReactNode
  exact?: boolean
  /** shown to those who may */
  needs?: PermissionName
}

export function AppFrame(options: {
  sections: readonly Section[]
  session: Session
  home: string
  badge?: string
  afterSignOut: string
  /** where staff without a second factor are pointed to */
  security?: string
  /** what stands above every page */
  notice?: ReactNode
}): ReactNode {
  const { session } = options
  const sections = options.sections.filter(
    ({ needs }) => needs === undefined || session.permissions.includes(needs),
  )
  const [open, setOpen] = useState(false)
  const burger = useRef<HTMLButtonElement>(null)
  const { pathname } = useLocation()
  const here = sectionAt(options.sections, pathname)
  const { operatorName } = readPageContext()
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new page closes the menu and is read from its top
  useEffect(() => {
    setOpen(false)
    document.getElementById('content')?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [pathname])
  // The menu of a phone lies over the page: whoever leaves it by the keyboard is back where it was opened.
  useEffect(() => {
    if (!open) return
    const close = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return
      setOpen(false)
      burger.current?.focus()
    }
    document.addEventListener('keydown', close)
    return () => document.removeEventListener('keydown', close)
  }, [open])
  const signOut = async (): Promise<void> => {
    await manage('DELETE', '/session').catch(() => undefined)
    location.assign(session.signOutUrl ?? options.afterSignOut)
  }
  return (
    <AppShell
      header={{ height: 60 }}
      navbar={{ width: 236, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding="xl"
    >
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <AppShell.Header px="lg">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={open}
              onClick={() => setOpen(!open)}
              hiddenFrom="sm"
              size="sm"
              ref={burger}
              aria-label={open ? 'Close the menu' : 'Open the menu'}
              aria-expanded={open}
            />
            <a className="brand-link" href="/" aria-label={`${operatorName}: start page`}>
              <Mark />
            </a>
            <Text fw={680} component={Link} to={options.home} c="var(--text)" td="none">
              {operatorName}
            </Text>
            {options.badge !== undefined && (
              <Badge variant="light" color="gray" radius="sm" tt="none" visibleFrom="xs">
                {options.badge}
              </Badge>
            )}
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Text size="sm" c="dimmed" visibleFrom="sm">
              {session.name}
            </Text>
            <SchemeButton />
            <ActionIcon
              variant="subtle"
              color="gray"
              size={36}
              aria-label="Sign out"
              title="Sign out"
              onClick={() => void signOut()}
            >
              <IconLogout size={18} />
            </ActionIcon>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Sections">
        <AppShell.Section grow>
          {sections.map(({ to, label, icon }) => (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={label}
              leftSection={icon}
              active={to === here?.to}
              {...(to === here?.to ? { 'aria-current': 'page' as const } : {})}
            />
          ))}
        </AppShell.Section>
        <AppShell.Section className="nav-foot">
          <NavLink href="/apis" label="API reference" />
          <NavLink href="/errors" label="Error codes" />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <div className="page-wide">
          {options.notice}
          {options.security !== undefined &&
            session.secondFactor === 'absent' &&
            pathname !== options.security && <Unprotected security={options.security} />}
          {here === undefined || sections.includes(here) ? (
            <Outlet />
          ) : (
            <NotForThisRole {...here} />
          )}
          <StepUpDialog />
        </div>
      </AppShell.Main>
    </AppShell>
  )
}

/** In place of a page that the role has no part in: whose it is, instead of questions that the server refuses. */
function NotForThisRole({ label, needs }: Section): ReactNode {
  return (
    <>
      <PageTitle title={label} />
      {needs !== undefined && <WhoMay to={needs} />}
    </>
  )
}

function Unprotected({ security }: { security: string }): ReactNode {
  const [later, setLater] = useState(() => sessionStorage.getItem(laterKey) !== null)
  if (later) return null
  return (
    <Box mb="lg">
      <Notice tone="warn">
        <Text>
          A password is all that protects your account, which can change prices and end contracts.{' '}
          <Anchor component={Link} to={security}>
            Add a passkey
          </Anchor>
        </Text>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            sessionStorage.setItem(laterKey, '')
            setLater(true)
          }}
        >
          Later
        </Button>
      </Notice>
    </Box>
  )
}

const laterKey = 'wayleave.second-factor-later'

const schemes = ['auto', 'light', 'dark'] as const
const schemeText = { auto: 'as the system', light: 'light', dark: 'dark' }
const schemeIcon = {
  auto: <IconSunMoon size={18} />,
  light: <IconSun size={18} />,
  dark: <IconMoon size={18} />,
}

export function SchemeButton(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const next = schemes[(schemes.indexOf(colorScheme) + 1) % schemes.length] ?? 'auto'
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size={36}
      aria-label={`Theme: ${schemeText[colorScheme]}. Change`}
      title={`Theme: ${schemeText[colorScheme]}`}
      onClick={() => setColorScheme(next)}
    >
      {schemeIcon[colorScheme]}
    </ActionIcon>
  )
}
