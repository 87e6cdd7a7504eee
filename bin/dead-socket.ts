import { rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'

/** Removes the socket of a server that was killed: its file stays, and nothing could listen there again. */
export async function removeDeadSocket (path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const isDead = await new Promise<boolean>((resolve) => {
    const client = connect(path, () => {
      client.destroy()
      resolve(false)
    })
    client.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })
  if (isDead) rmSync(path)
}
