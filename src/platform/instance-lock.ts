import { createHash } from 'node:crypto'
import { mkdirSync, statSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * Holds a data folder for this process alone. The kernel gives the lock back however the process ends, so that a kill
 * never leaves one behind.
 * @returns the way to release it, or undefined when another process holds it
 * @public
 */
export async function lockFolder(folder: string): Promise<(() => Promise<void>) | undefined> {
  mkdirSync(folder, { recursive: true })
  // By what the folder is, not by its name: it may have several, and a new one may have got the name of one removed.
  const { dev, ino } = statSync(folder, { bigint: true })
  const name = `wayleave-${createHash('sha256').update(`${dev} ${ino}`).digest('hex').slice(0, 32)}`
  // Linux has names of sockets that are no files; elsewhere a file remains, and whether anybody answers tells.
  const address = process.platform === 'linux' ? `\0${name}` : path.join(tmpdir(), `${name}.sock`)
  const server = await bind(address)
  if (server !== undefined) return release(server)
  if (address.startsWith('\0') || (await answers(address))) return undefined
  unlinkSync(address)
  const second = await bind(address)
  return second === undefined ? undefined : release(second)
}

const release = (server: Server) => () =>
  new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })

function bind(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => {
      resolve(server)
    })
  })
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}
