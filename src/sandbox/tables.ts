export type SandboxTables = {
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
