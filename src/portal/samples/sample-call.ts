/** One call as the code samples tell it: first the token, then the call. */
export type SampleCall = {
  tokenUrl: string
  /** space separated; empty when a valid token is enough */
  scope: string
  method: string
  url: string
  /** beside `authorization` and `content-type` */
  headers: Readonly<Record<string, string>>
  mediaType: string
  /** undefined when there is none */
  body: unknown
  /** whether an API key does instead of a token, or nothing else does */
  apiKey?: 'instead' | 'only'
}

/** What stands in a sample until the reader's own values are known. */
export const clientIdPlaceholder = 'YOUR_CLIENT_ID'
export const clientSecretPlaceholder = 'YOUR_CLIENT_SECRET'
export const apiKeyPlaceholder = 'YOUR_API_KEY'

export const indented = (text: string, spaces: number): string =>
  text
    .split('\n')
    .map((line, index) => (index === 0 || line === '' ? line : ' '.repeat(spaces) + line))
    .join('\n')

/** A JSON text is also a literal in JavaScript, Java, C# and Python, as long as it is one string. */
export const quoted = (text: string): string => JSON.stringify(text)
