import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createTransport } from 'nodemailer'

/** @public */
export type MailMessage = { to: string; subject: string; text: string }

/** @public */
export interface Mail {
  send(message: MailMessage): Promise<void>
}

/**
 * Mail by SMTP when it is configured; otherwise each message becomes a file of the data folder (0600), which is how a
 * local installation without a mail server is used.
 * @public
 */
export function createMail(options: {
  smtpUrl: string | undefined
  sender: string
  folder: string
  newName: () => string
}): Mail {
  if (options.smtpUrl !== undefined) {
    const transport = createTransport(options.smtpUrl)
    return {
      async send(message) {
        await transport.sendMail({ from: options.sender, ...message })
      },
    }
  }
  return {
    async send(message) {
      await mkdir(options.folder, { recursive: true, mode: 0o700 })
      const text = `From: ${options.sender}\nTo: ${message.to}\nSubject: ${message.subject}\n\n${message.text}\n`
      await writeFile(path.join(options.folder, `${options.newName()}.eml`), text, { mode: 0o600 })
    },
  }
}
