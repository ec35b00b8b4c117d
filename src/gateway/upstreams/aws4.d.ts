/** What is used of `aws4`, which brings no types: Signature Version 4 in header fields. */
declare module 'aws4' {
  type Request = {
    host: string
    method: string
    path: string
    service: string
    region: string
    headers: Record<string, string>
    body: Buffer | string
  }
  type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  const aws4: { sign(request: Request, credentials: Credentials): Request }
  export = aws4
}
