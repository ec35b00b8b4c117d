/**
 * Client secrets that were shown in this tab. They are held for as long as the tab lives, so that samples can be
 * copied ready to run, and nowhere else.
 */
const prefix = 'wayleave.secret.'

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export function keepSecret(store: Store, clientId: string, secret: string): void {
  store.setItem(prefix + clientId, secret)
}

export function keptSecret(store: Store, clientId: string): string | undefined {
  return store.getItem(prefix + clientId) ?? undefined
}

export function forgetSecret(store: Store, clientId: string): void {
  store.removeItem(prefix + clientId)
}
