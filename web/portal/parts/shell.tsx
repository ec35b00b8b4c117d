import type { ReactNode } from 'react'
import type { Site } from '#portal/schema'
import { themeLabel } from '../../ui/theme-choice.ts'
import { Icon, Mark } from './icons.tsx'

const sections = [
  { href: '/apis', label: 'APIs' },
  { href: '/getting-started', label: 'Guide' },
  { href: '/sandbox', label: 'Sandbox' },
  { href: '/errors', label: 'Errors' },
]

export function Document(options: {
  site: Site
  title: string
  description: string
  noindex?: boolean
  children: ReactNode
}): ReactNode {
  const { site, title, description, noindex } = options
  return (
    <html lang="en" {...(site.theme === 'system' ? {} : { 'data-theme': site.theme })}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <meta name="description" content={description} />
        {noindex === true && <meta name="robots" content="noindex" />}
        <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
        {site.styles.map((href) => (
          <link key={href} rel="stylesheet" href={href} />
        ))}
        {site.fonts.map((href) => (
          <link
            key={href}
            rel="preload"
            as="font"
            type="font/woff2"
            href={href}
            crossOrigin="anonymous"
            fetchPriority="low"
          />
        ))}
        {site.preloads.map((href) => (
          <link key={href} rel="modulepreload" href={href} fetchPriority="low" />
        ))}
        {site.scripts.map((src) => (
          <script key={src} type="module" src={src} />
        ))}
      </head>
      <body data-signed-in={site.signedIn ?? ''}>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <Header site={site} />
        <main id="content" tabIndex={-1}>
          {options.children}
        </main>
        <Footer site={site} />
      </body>
    </html>
  )
}

function Header({ site }: { site: Site }): ReactNode {
  return (
    <header className="top">
      <div className="top-inner">
        <a className="brand" href="/">
          <Mark />
          <span>{site.operatorName}</span>
          <span className="brand-sub">for partners</span>
        </a>
        <nav aria-label="Main" className="top-nav">
          {sections.map(({ href, label }) => {
            const here = site.path === href || site.path.startsWith(`${href}/`)
            return (
              <a key={href} href={href} {...(here ? { 'aria-current': 'page' as const } : {})}>
                {label}
              </a>
            )
          })}
        </nav>
        <div className="top-tools">
          <button
            type="button"
            className="search-open needs-script"
            data-search-open=""
            aria-label="Search"
            aria-keyshortcuts="/"
          >
            <Icon name="search" size={16} />
            <span>Search</span>
            <kbd>/</kbd>
          </button>
          <button
            type="button"
            className="icon-button needs-script"
            data-theme-toggle=""
            aria-label={`Theme: ${themeLabel[site.theme]}. Change`}
            title={`Theme: ${themeLabel[site.theme]}`}
          >
            <Icon name="theme" />
          </button>
          <Account signedIn={site.signedIn} />
        </div>
      </div>
    </header>
  )
}

function Account({ signedIn }: { signedIn: Site['signedIn'] }): ReactNode {
  if (signedIn === 'operator') {
    return (
      <a className="button button-small" href="/console">
        Console
      </a>
    )
  }
  if (signedIn === 'partner') {
    return (
      <a className="button button-small" href="/app">
        Your applications
      </a>
    )
  }
  return (
    <>
      <a className="quiet-link" href="/sign-in">
        Sign in
      </a>
      <a className="button button-small" href="/sign-up">
        Get sandbox keys
      </a>
    </>
  )
}

function Footer({ site }: { site: Site }): ReactNode {
  return (
    <footer className="foot">
      <div className="foot-inner">
        <p>
          {site.operatorName} · partner APIs to the CAMARA standard
          <span className="quiet"> · Wayleave {site.version}</span>
        </p>
        <nav aria-label="More">
          <a href="/getting-started">Guide</a>
          <a href="/errors">Error codes</a>
          <a href="/sandbox">Test numbers</a>
          <a href="/llms.txt">For machines</a>
          <a href="/management/v1/openapi.json">Management API</a>
          <a href="/console">Operator console</a>
        </nav>
      </div>
    </footer>
  )
}
