import type { LeafContent } from './leaf-content.ts'
import { fact, type Story } from './story.ts'

/** One action, or one piece of other evidence, for people. */
export function leafStory({ kind, id, record, personal }: LeafContent): Story {
  if (kind !== 'action') {
    const values = personal === 'erased' ? { personal: 'erased' } : (personal?.values ?? {})
    // How it is filed repeats what it says.
    const { filed: _, ...told } = record
    return {
      title: `${kind} ${id}`,
      sentence: `This is what the log of evidence has of ${kind} ${id}.`,
      sections: [{ title: 'Record', facts: factsOf({ ...told, ...values }) }],
    }
  }
  const { action, target, occurred_at: at, actor_kind: who, actor_id: whose, via } = record
  const by = [whose ?? who, via === null ? undefined : `by ${textOf(via)}`].filter(Boolean)
  return {
    title: textOf(action),
    sentence: `At ${textOf(at)} ${textOf(who)} (${by.map(textOf).join(', ')}) did ${textOf(action)} to ${textOf(target)}.`,
    sections: [
      {
        title: 'Record',
        facts: [
          ...fact('When', textOf(at)),
          ...fact('Who', `${textOf(who)} (${by.map(textOf).join(', ')})`),
          ...fact('What', textOf(action)),
          ...fact('Of', textOf(target)),
          ...fact('Partner', record.partner_id === null ? undefined : textOf(record.partner_id)),
          ...factsOf(record.detail ?? {}),
          ...fact('Event', id),
        ],
      },
    ],
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

const factsOf = (values: object): { label: string; value: string }[] =>
  Object.entries(values).flatMap(([label, value]) =>
    value === null || value === undefined ? [] : fact(label, textOf(value)),
  )
