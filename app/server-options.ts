import type { FastifyHttpOptions } from 'fastify'
import type { Server } from 'node:http'
import { answerClientError } from './answers/client-errors.ts'
import { createRouterErrorAnswer } from './answers/error-answers.ts'
import { createRequestId } from './answers/request-id.ts'
import { developmentLog } from './development/development-log.ts'
import { oneLinePerRequest } from './operation/access-log.ts'
import { isFastifyStart } from './operation/start-failure.ts'
import { type LogLevel, readSettings, type Settings } from './settings/settings.ts'

const settings = readSettingsIfRight()
const trustProxy = settings?.trustProxy ?? false
const isProduction = process.env.NODE_ENV === 'production'

/** Neither passwords nor sessions are logged, whoever logs headers. */
const redact = ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie']

/** The log's options. Each that is there has a value, as projects with exactOptionalPropertyTypes need it. */
export interface ServerLog {
  redact: string[]
  level?: LogLevel
  stream?: ReturnType<typeof developmentLog>['stream']
  serializers?: ReturnType<typeof developmentLog>['serializers']
  hooks?: { logMethod: typeof oneLinePerRequest }
}

// The command makes its own log, and fastify-cli has a flag for the level.
const logger: ServerLog = {
  redact,
  ...(!isFastifyStart() && { level: settings?.logLevel ?? 'info' }),
  ...(isFastifyStart() && !isProduction && logToTerminal()),
  ...(isProduction && { hooks: { logMethod: oneLinePerRequest } })
}

/**
 * Options of the server itself, where this app is the whole server: `fastify start --options dist/app.js`, or
 * `Fastify(options)` in code of your own. The settings are read when the package is imported.
 */
export const options = {
  // The client's address and scheme come from X-Forwarded-* only where the request comes from a trusted proxy. Set it
  // by QUICKSTART_TRUST_PROXY: genReqId and frameworkErrors go by the setting too.
  trustProxy,
  // Milliseconds that a client has to send its headers, to send a whole request, and to be silent. Node looks at these
  // limits each connectionsCheckingInterval.
  http: { headersTimeout: 15_000, connectionsCheckingInterval: 1000 },
  requestTimeout: 30_000,
  connectionTimeout: 120_000,
  // Longer than a proxy keeps an idle connection (Caddy: 2 minutes). The server must not close one just as the proxy
  // sends a request.
  keepAliveTimeout: 150_000,
  // A stopping app goes on answering: see app/operation/stopping.ts.
  return503OnClosing: false,
  // Bytes of a request's body; more is 413.
  bodyLimit: 1_048_576,
  // UTF-16 units of one parameter in a path: room for 1,024 characters, where an emoji is two units. More is 414.
  routerOptions: { maxParamLength: 2048 },
  logger,
  genReqId: createRequestId(trustProxy),
  frameworkErrors: createRouterErrorAnswer(trustProxy),
  clientErrorHandler: answerClientError
} satisfies FastifyHttpOptions<Server>

function logToTerminal () {
  // The server outlives the reader of its log.
  process.stdout.on('error', () => {})
  return developmentLog(process.stdout)
}

/** The settings, or undefined where one is wrong: the app reads them again when it is registered, and says which. */
function readSettingsIfRight (): Settings | undefined {
  try {
    return readSettings()
  } catch {
    return undefined
  }
}
