import { rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'

/**
 * Removes the socket of a server that was killed: its file stays, and nothing could listen there again. What cannot be
 * looked at or removed stays: to listen there fails then, and says why.
 */
export async function removeDeadSocket (path: string): Promise<void> {
  try {
    if (statSync(path).isSocket() && await isDead(path)) rmSync(path)
  } catch {}
}

function isDead (path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(path, () => {
      client.destroy()
      resolve(false)
    })
    client.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })
}
