import type { FastifyHttpOptions, FastifyRequest } from 'fastify'
import type { Server } from 'node:http'
import { escapeInJson } from '../lib/escape-controls.ts'
import { answerClientError } from './answers/client-errors.ts'
import { createRouterErrorAnswer } from './answers/error-answers.ts'
import { createRequestId } from './answers/request-id.ts'
import { createDevelopmentLog } from './development/development-log.ts'
import { keepOneLinePerRequest } from './operation/access-log.ts'
import { isFastifyStart } from './operation/start-failure.ts'
import { loadEnvFile } from './settings/env-file.ts'
import { type LogLevel, readSettings, type Settings } from './settings/settings.ts'

/**
 * Options of the server itself, where this app is the whole server: `fastify start --options dist/app.js`, or
 * `Fastify(options)` in code of your own. They go by the settings as these are when the package is imported.
 */
export const options = createServerOptions()

/** Creates `options` anew. */
export function createServerOptions () {
  const settings = readSettingsIfRight()
  const trustProxy = settings?.trustProxy ?? false
  return {
    // The client's address and scheme come from X-Forwarded-* only where the request comes from a trusted proxy. Set
    // it by QUICKSTART_TRUST_PROXY: genReqId and frameworkErrors go by the setting too.
    trustProxy,
    // Milliseconds that a client has to send its headers, to send a whole request, and to be silent. Node looks at
    // these limits each connectionsCheckingInterval. The app itself refuses a request without Host.
    http: { headersTimeout: 15_000, connectionsCheckingInterval: 1000, requireHostHeader: false },
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
    logger: createLogOptions(settings),
    genReqId: createRequestId(trustProxy),
    frameworkErrors: createRouterErrorAnswer(trustProxy),
    clientErrorHandler: answerClientError
  } satisfies FastifyHttpOptions<Server>
}

/** The settings, or undefined where one is wrong: the app reads them again when it is registered, and says which. */
function readSettingsIfRight (): Settings | undefined {
  try {
    // fastify-cli has read it already, but with a byte order mark as a part of the first name.
    if (isFastifyStart()) loadEnvFile()
    return readSettings()
  } catch {
    return undefined
  }
}

/** Options of the log. None is there without a value: a project may have exactOptionalPropertyTypes. */
export interface LogOptions {
  redact: string[]
  level?: LogLevel
  stream?: ReturnType<typeof createDevelopmentLog>['stream']
  serializers?: Partial<ReturnType<typeof createDevelopmentLog>['serializers']> & { req?: typeof describeRequest }
  hooks?: { logMethod?: typeof keepOneLinePerRequest, streamWrite: typeof escapeInJson }
}

function createLogOptions (settings: Settings | undefined): LogOptions {
  const isProduction = process.env.NODE_ENV === 'production'
  return {
    // Neither passwords nor sessions are logged, whoever logs headers.
    redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie'],
    // fastify-cli has a flag for the level.
    ...(!isFastifyStart() && { level: settings?.logLevel ?? 'info' }),
    // The package's command makes its own log.
    ...(isFastifyStart() && !isProduction && logToTerminal()),
    ...(!isFastifyStart() && !isProduction && { hooks: { streamWrite: escapeInJson } }),
    ...(isProduction && {
      serializers: { req: describeRequest },
      hooks: { logMethod: keepOneLinePerRequest, streamWrite: escapeInJson }
    })
  }
}

/** As Fastify does, but without the query, which may hold secrets. */
function describeRequest (request: Pick<FastifyRequest, 'method' | 'url' | 'host' | 'ip'>): Record<string, unknown> {
  const { method, url, host, ip } = request
  return { method, url: url.replace(/\?.*/s, ''), host, remoteAddress: ip }
}

function logToTerminal () {
  // The server outlives the reader of its log.
  process.stdout.on('error', () => {})
  return createDevelopmentLog(process.stdout)
}
