import { modules } from '../../src/modules.ts'

/** The imports of one file that `modules.ts` does not permit. */
export function undeclaredImports({ file, text }: { file: string; text: string }): string[] {
  const from = file.split('/')[1] ?? ''
  return [...text.matchAll(/(?:from|import\(|import)\s*'#([a-z-]+)/g)].flatMap(([, to = '']) => {
    const allowed = to === 'platform' || (from !== 'platform' && (modules[from] ?? []).includes(to))
    return allowed ? [] : [`${file} → #${to}`]
  })
}
