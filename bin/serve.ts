import closeWithGrace from 'close-with-grace'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { appFlags, makeApp, OperatorError, readFlags } from './app.js'

const flags = {
  ...appFlags,
  port: { type: 'string', short: 'p' },
  address: { type: 'string', short: 'a' },
  reload: { type: 'boolean' }
} as const

/** Starts the server. Ends once it listens, with exit code 0. */
export async function serve (args: readonly string[]): Promise<number> {
  const { port, address, 'log-level': level, ...options } = readFlags(args, flags)
  if (port !== undefined && !/^\d{1,5}$/.test(port)) {
    throw new OperatorError(`--port is "${port}"; it takes a number from 0 to 65535`)
  }
  // Whoever reads the log may go away. The server stays.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

  const app = await makeApp(options, level)
  // Read after .env.
  const defaults = createRequire(import.meta.url)('#fastify.config') as { port: number | string, address: string }
  try {
    const url = await app.listen({ port: Number(port ?? defaults.port), host: address ?? defaults.address })
    closeWithGrace({ delay: 10_000 }, async (reason) => {
      if ('err' in reason) app.log.fatal({ err: asError(reason.err) }, 'an uncaught error ends the server')
      await app.close()
      // For a falsy error the exit code would be 0.
      if ('err' in reason) process.exit(1)
    })
    process.stdout.write(`Open ${url}/ in a browser. Ctrl-C stops the server.\n`)
    return 0
  } catch (error) {
    await app.close()
    throw error
  }
}

/** Anything can be thrown. The log shows the stack of an error alone. */
function asError (thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${inspect(thrown)}`)
}
