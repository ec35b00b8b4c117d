const setting = <T>(about: string, parse: (value: string) => T, secret = false) => ({
  about,
  parse,
  secret,
})

/** Numbers and links go there: encrypted, or on this machine. */
const smsUrl = (value: string): string => {
  const url = URL.parse(value)
  const local = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && local)))
    throw new Error('must be an https URL; http only to this machine (localhost)')
  if (url.username !== '' || url.hash !== '') throw new Error('must have no user or fragment')
  return value
}

const jurisdiction = (value: string): string => {
  if (!/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(value))
    throw new Error('must be a country or region of ISO 3166 such as PT or DE-BY')
  return value
}

/** The settings of consent; `docs/guides/consent.md` tells what they are for. */
export const consentSettings = {
  WAYLEAVE_SMS_URL: setting(
    "the operator's service that sends an SMS: POST {to, text}; without it production asks nobody by SMS",
    smsUrl,
  ),
  WAYLEAVE_SMS_TOKEN: setting('bearer secret that it is asked with', (value) => value, true),
  WAYLEAVE_JURISDICTION: setting(
    'where personal data is processed and stored, as consent records say it: PT',
    jurisdiction,
  ),
} as const

type ConsentValues = {
  [K in keyof typeof consentSettings]?: ReturnType<(typeof consentSettings)[K]['parse']>
}

/** How subscribers are reached, and what their records say of this installation. @public */
export type ConsentConfig = Readonly<{
  sms: { url: string; token: string | undefined } | undefined
  jurisdiction: string | undefined
}>

export function consentConfigOf(values: ConsentValues, faults: string[]): ConsentConfig {
  const url = values.WAYLEAVE_SMS_URL
  const token = values.WAYLEAVE_SMS_TOKEN
  if (url === undefined && token !== undefined)
    faults.push('WAYLEAVE_SMS_TOKEN: set WAYLEAVE_SMS_URL, too, or neither')
  return {
    sms: url === undefined ? undefined : { url, token },
    jurisdiction: values.WAYLEAVE_JURISDICTION,
  }
}
