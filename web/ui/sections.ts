/** The section that a page belongs to: of those whose address it lies under, the one with the longest. */
export function sectionAt<T extends { to: string; exact?: boolean }>(
  sections: readonly T[],
  pathname: string,
): T | undefined {
  const page = pathname.replace(/\/+$/, '')
  return sections
    .filter(({ to, exact }) => page === to || (exact !== true && page.startsWith(`${to}/`)))
    .toSorted((a, b) => b.to.length - a.to.length)[0]
}
