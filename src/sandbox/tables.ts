export type SandboxTables = {
  'sandbox.thing': {
    application_id: string
    resource: string
    id: string
    body: string
    made_at: Date
  }
  'sandbox.message': {
    id: string
    application_id: string
    phone_number: string
    text: string
    received_at: Date
  }
  'sandbox.one_time_password': {
    authentication_id: string
    application_id: string
    phone_number: string
    code: string
    sent_at: Date
    expires_at: Date
    wrong_attempts: number
    used_at: Date | null
  }
}
