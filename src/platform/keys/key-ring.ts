import type { firstKeyId, SealingKeys } from '../sealing.ts'
import { type MessageKey, messageKey } from '../xaes.ts'

/** The data keys that this process knows. What it once knew it never forgets: values that it sealed are still about. */
export class KeyRing implements SealingKeys {
  readonly #keys = new Map<string, MessageKey>()
  #current: ReturnType<SealingKeys['current']> | undefined
  /** called when a value names a key that is not known: it is to be read at once */
  onMissing: (id: string) => void = () => undefined

  current(): ReturnType<SealingKeys['current']> {
    if (this.#current === undefined) throw new Error('the keys are not loaded')
    return this.#current
  }

  find(id: string): MessageKey | undefined {
    const key = this.#keys.get(id)
    if (key === undefined) this.onMissing(id)
    return key
  }

  knows(id: string): boolean {
    return this.#keys.has(id)
  }

  add(id: string, key: Buffer): void {
    this.#keys.set(id, messageKey(key))
  }

  use(id: string, first: typeof firstKeyId): void {
    const key = this.#keys.get(id)
    if (key !== undefined) this.#current = { id, key }
    else if (id === first) this.#current = first
  }
}
