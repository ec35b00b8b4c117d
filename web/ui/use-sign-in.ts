import { useEffect, useState } from 'react'
import type { SecondFactorNeeded, Session } from '#identity/schema'
import { type Fault, faultFrom, manage } from './management.ts'
import {
  passkeyFault,
  passkeysFillIn,
  passkeysWork,
  signInWithPasskey,
  stopAsking,
} from './passkeys.ts'
import { neededOf, returnOf, signInWithSso, ssoFaultOf } from './sso.ts'

export type CodeMethod = 'totp' | 'recovery-code'

export type SignInFlow = {
  /** after a password that was right, when a second factor has to follow */
  needed: SecondFactorNeeded | undefined
  /** the kind of code that is asked for; undefined when only a passkey is left */
  method: CodeMethod | undefined
  choose: (method: CodeMethod) => void
  sending: boolean
  /** the browser is asking for a passkey; everything else can still be used instead */
  asking: boolean
  fault: Fault | undefined
  /** whether this browser can use passkeys */
  passkeys: boolean
  sendPassword: (email: string, password: string) => void
  sendCode: (code: string) => void
  askPasskey: () => void
  /** with the identity provider that answers for the domain of an address */
  sendSso: (email: string) => void
  startOver: () => void
}

/** The server forgets what it asked for after ten minutes; a page that is left open asks anew before. */
const askAgainMs = 8 * 60_000

/** Signing in, step by step; both sign-in pages show it in their own way. */
export function useSignIn(done: (session: Session) => void): SignInFlow {
  const [needed, setNeeded] = useState<SecondFactorNeeded>()
  const [method, setMethod] = useState<CodeMethod>()
  const [sending, setSending] = useState(false)
  const [asking, setAsking] = useState(false)
  const [fault, setFault] = useState<Fault>()
  // Nearly every browser can; one that cannot takes the button away, instead of all others putting it in.
  const [passkeys, setPasskeys] = useState(true)
  const [round, setRound] = useState(0)

  // The page is rendered before there is an address to look at.
  useEffect(() => {
    const begun = neededOf(location.hash)
    const failed = ssoFaultOf(location.search)
    if (begun !== undefined) {
      setNeeded(begun)
      setMethod(firstCodeOf(begun))
      history.replaceState(null, '', location.pathname + location.search)
    }
    if (failed !== undefined) setFault({ status: 0, code: 'SSO', message: failed, violations: [] })
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once, and again for each round
  useEffect(() => {
    setPasskeys(passkeysWork())
    let gone = false
    const offer = async (): Promise<void> => {
      if (!(await passkeysFillIn()) || gone) return
      const session = await signInWithPasskey(true)
      if (!gone) done(session)
    }
    offer().catch((error: unknown) => {
      // What the reader did not ask for does not complain, except that a passkey which was chosen is not known.
      const found = passkeyFault(error)
      if (!gone && found?.status === 401) setFault(found)
    })
    const again = setTimeout(() => {
      stopAsking()
      setRound(round + 1)
    }, askAgainMs)
    return () => {
      gone = true
      clearTimeout(again)
    }
  }, [round])

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    stopAsking()
    setSending(true)
    setFault(undefined)
    try {
      await work()
    } catch (error) {
      setFault(faultFrom(error))
      setRound(round + 1)
    } finally {
      setSending(false)
    }
  }
  const askPasskey = async (): Promise<void> => {
    setAsking(true)
    setFault(undefined)
    try {
      done(await signInWithPasskey(false, needed?.ticket))
    } catch (error) {
      const found = passkeyFault(error)
      setFault(found)
      // Asking ended what waited in the address field; something else that was begun instead goes on by itself.
      if (found !== undefined) setRound(round + 1)
    } finally {
      setAsking(false)
    }
  }
  const startOver = (): void => {
    setNeeded(undefined)
    setMethod(undefined)
  }
  return {
    needed,
    method,
    choose: (chosen) => {
      setFault(undefined)
      setMethod(chosen)
    },
    sending,
    asking,
    fault,
    passkeys,
    sendPassword: (email, password) =>
      void attempt(async () => {
        const answer = await manage<Session | SecondFactorNeeded>('POST', '/session', {
          email,
          password,
        })
        if (!('ticket' in answer)) {
          done(answer)
          return
        }
        setNeeded(answer)
        setMethod(firstCodeOf(answer))
      }),
    sendCode: (code) =>
      void attempt(async () => {
        const ticket = needed?.ticket
        done(await manage<Session>('POST', '/session/second-factor', { ticket, method, code }))
      }),
    askPasskey: () => void askPasskey(),
    sendSso: (email) => void attempt(() => signInWithSso(email, returnOf(location.search))),
    startOver,
  }
}

/** The other kinds of code that the person has. */
export const otherCodes = (
  needed: SecondFactorNeeded | undefined,
  method: CodeMethod | undefined,
): CodeMethod[] =>
  (['totp', 'recovery-code'] as const).filter(
    (kind) => kind !== method && needed?.methods.includes(kind) === true,
  )

export const codeLinkText: Readonly<Record<CodeMethod, string>> = {
  totp: 'Use the authenticator app',
  'recovery-code': 'Use a recovery code',
}

/** An app is quicker than paper; whoever has only a passkey is not asked for a recovery code first. */
export function firstCodeOf({ methods }: SecondFactorNeeded): CodeMethod | undefined {
  if (methods.includes('totp')) return 'totp'
  return methods.includes('passkey') ? undefined : 'recovery-code'
}
