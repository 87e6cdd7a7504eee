import proxyAddr from '@fastify/proxy-addr'
import envSchema from 'env-schema'
import { statSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { type ContentSecurityPolicy, findPolicyProblem } from './content-security-policy.ts'
import { readEnvFile } from './env-file.ts'
import { InvalidSetting } from './errors.ts'
import type { MetricsPlace } from '../operation/metrics-server.ts'
import type { StopOptions } from '../operation/stopping.ts'

/** The levels of the log, the loudest last. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

export type LogLevel = typeof logLevels[number]

const takesBoolean = { description: 'true or false' }
const trueOrFalse = { default: true, ...takesBoolean }
const topicSwitch = { title: 'Whether the topic is on', ...trueOrFalse }

const policy = {
  minLength: 1,
  description: "strict, off, or the text of a policy, such as default-src 'self'; script-src 'self' https://cdn.example.org"
}

/**
 * Every setting, read from the environment or from a file `.env` in the current folder (the environment wins). The
 * title says what it is for, and the default where that is not a plain value; docs/reference/settings.md is made of it.
 * The description completes the sentence "it takes …" in the error for a value that does not fit.
 */
export const settingsSchema = Type.Object({
  QUICKSTART_HELLO: Type.Optional(Type.Boolean({
    title: 'Whether the topic is on, which is a page alone. Default: as QUICKSTART_TUTORIAL',
    ...takesBoolean
  })),
  QUICKSTART_STATIC: Type.Boolean(topicSwitch),
  QUICKSTART_TEMPLATES: Type.Boolean(topicSwitch),
  QUICKSTART_PARAMS: Type.Boolean(topicSwitch),
  QUICKSTART_AUTH: Type.Boolean(topicSwitch),
  QUICKSTART_TUTORIAL: Type.Boolean({ title: "Whether the tutorial's own pages are there", ...trueOrFalse }),
  QUICKSTART_PUBLIC_DIR: Type.Optional(Type.String({
    title: 'The files below /static/. Default: public/ of the package; of the command, public/ where that is here',
    minLength: 1,
    description: 'a folder of static files'
  })),
  QUICKSTART_VIEWS_DIR: Type.Optional(Type.String({
    title: 'The pages. Default: views/ of the package; of the command, views/ where that is here',
    minLength: 1,
    description: 'a folder of Eta templates'
  })),
  QUICKSTART_USERS_FILE: Type.Optional(Type.String({
    title: 'Who may log in. Default: admin / secret from this machine alone; in production the app does not start',
    minLength: 1,
    description: 'a readable htpasswd file'
  })),
  QUICKSTART_GROUPS_FILE: Type.Optional(Type.String({
    title: 'Who is in which group. Default: nobody is in any',
    minLength: 1,
    description: 'a readable file of groups'
  })),
  QUICKSTART_LOGOUT: Type.Optional(Type.Boolean({
    title: 'Whether the logout page is there. Default: as QUICKSTART_TUTORIAL',
    ...takesBoolean
  })),
  QUICKSTART_REALM: Type.Optional(Type.String({
    title: 'The name of the place one logs in to. Default: Login Required',
    pattern: '^[ -~]+$',
    description: 'printable ASCII text'
  })),
  QUICKSTART_PROTECT: Type.Optional(Type.String({
    title: 'Pages that need a login, where /* is everything but /health. Default: those that your own routes guard',
    pattern: '^\\s*/[^,]*(,\\s*/[^,]*)*$',
    description: 'route paths that need a login, separated by commas, such as /,/static/*'
  })),
  QUICKSTART_REDIS_URL: Type.Optional(Type.String({
    title: 'Where several instances count failed logins together; needs the package ioredis. Default: in memory',
    pattern: '^rediss?://.+',
    description: 'an address such as redis://127.0.0.1:6379 or redis://name:password@host:6379/0, ' +
      'with the special characters of the password percent-encoded'
  })),
  QUICKSTART_LOGIN_TRIES: Type.Integer({
    title: 'Failed logins of one name from one address before it has to wait',
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 10,
    description: 'a whole number of 1 or more'
  }),
  QUICKSTART_LOGIN_WAIT_SECONDS: Type.Integer({
    title: 'How long it waits then',
    minimum: 1,
    maximum: 2_147_483,
    default: 900,
    description: 'a whole number of seconds from 1 to 2147483'
  }),
  QUICKSTART_TRUST_PROXY: Type.Optional(Type.String({
    title: "Proxies that are believed about a client's address and scheme. Default: none",
    minLength: 1,
    description: 'true, false, or the addresses of the proxies separated by commas, such as 127.0.0.1,10.0.0.0/8'
  })),
  QUICKSTART_CSP: Type.Optional(Type.String({ title: 'What pages may load and run. Default: strict', ...policy })),
  QUICKSTART_CSP_REPORT_ONLY: Type.Optional(Type.String({
    title: 'A policy that browsers try, and report about, without stopping anything. Default: off',
    ...policy
  })),
  QUICKSTART_LOG_LEVEL: Type.Optional(Type.Union(logLevels.map((level) => Type.Literal(level)), {
    title: 'The least of what is logged. Default: info; of the command outside production warn',
    description: `one of ${logLevels.join(', ')}`
  })),
  QUICKSTART_METRICS: Type.Optional(Type.String({
    title: 'Where metrics for Prometheus are. Default: nowhere',
    minLength: 1,
    description: 'host:port to serve metrics for Prometheus at, apart from the app, such as 127.0.0.1:9464, or ' +
      'host:first-last for the first free port, where several instances share their settings'
  })),
  QUICKSTART_DRAIN_SECONDS: Type.Optional(Type.Number({
    title: 'How long a server that stops goes on answering while load balancers see it leave. Default: 2.5 in ' +
      'production, else 0',
    minimum: 0,
    maximum: 600,
    description: 'seconds from 0 to 600, fewer than QUICKSTART_GRACE_SECONDS by 1'
  })),
  QUICKSTART_GRACE_SECONDS: Type.Number({
    title: 'How long a stop may take; what is not answered then is cut',
    minimum: 1,
    maximum: 3600,
    default: 10,
    description: 'seconds from 1 to 3600'
  }),
  QUICKSTART_START_SECONDS: Type.Number({
    title: 'How long a worker of --workers may take until it listens, before it is ended by force',
    minimum: 0,
    maximum: 3600,
    default: 15,
    description: 'seconds from 0 to 3600, where 0 is for no limit'
  }),
  QUICKSTART_BLOCKED_SECONDS: Type.Number({
    title: 'How long a worker of --workers may compute without a pause, before it is ended by force',
    minimum: 0,
    maximum: 3600,
    default: 30,
    description: 'seconds from 0 to 3600, where 0 is for never'
  })
}, {
  // A name in other letters is nobody else's, and would be lost in silence. A pattern of JSON Schema has no flags.
  patternProperties: { '^(?![Qq][Uu][Ii][Cc][Kk][Ss][Tt][Aa][Rr][Tt]_)': {} },
  additionalProperties: false
})

type SettingName = keyof typeof settingsSchema.properties

/** The settings, checked and in the shapes that app.ts works with. */
export interface Settings {
  /** Which topics are on, as the environment has it. */
  switches: Record<'static' | 'templates' | 'params' | 'auth', boolean> & { hello: boolean | undefined }
  /** Whether the tutorial's own pages are there. */
  hasTutorial: boolean
  /** Absolute path, or undefined for the suite's own folder. */
  publicDir: string | undefined
  /** Absolute path, or undefined for the suite's own folder. */
  viewsDir: string | undefined
  /** Absolute path of an htpasswd file. */
  usersFile: string | undefined
  /** Absolute path of a file of groups. */
  groupsFile: string | undefined
  /** Whether the logout page is there, or undefined where the environment does not say. */
  hasLogout: boolean | undefined
  realm: string | undefined
  /** Route paths that need a login. */
  protect: string[]
  redisUrl: string | undefined
  /** Failed logins of one name from one address before a wait. */
  loginTries: number
  /** Seconds of that wait. */
  loginWaitSeconds: number
  /** As Fastify's server option `trustProxy` takes it. */
  trustProxy: boolean | string[]
  csp: ContentSecurityPolicy
  /** A policy that browsers try, and do not enforce. */
  cspReportOnly: ContentSecurityPolicy
  logLevel: LogLevel | undefined
  /** Where metrics are served. */
  metrics: MetricsPlace | undefined
  /** How the server stops. */
  stop: StopOptions
  /** When a worker of `--workers` is ended by force. */
  workers: WorkerLimits
}

/** Seconds, of which 0 sets no limit. */
export interface WorkerLimits {
  /** From the start of a worker until it listens. */
  startSeconds: number
  /** For which a worker may compute without a pause. */
  blockedSeconds: number
}

/**
 * Reads and checks the settings.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_SETTING` for an unknown `QUICKSTART_*` name, a value that does not fit, and a
 * broken `.env`, in one line that names the variable and what it takes
 */
export function readSettings (): Settings {
  const env = readEnvironment()
  return {
    switches: {
      hello: env.QUICKSTART_HELLO,
      static: env.QUICKSTART_STATIC,
      templates: env.QUICKSTART_TEMPLATES,
      params: env.QUICKSTART_PARAMS,
      auth: env.QUICKSTART_AUTH
    },
    hasTutorial: env.QUICKSTART_TUTORIAL,
    publicDir: readPath('QUICKSTART_PUBLIC_DIR', env.QUICKSTART_PUBLIC_DIR, 'isDirectory'),
    viewsDir: readPath('QUICKSTART_VIEWS_DIR', env.QUICKSTART_VIEWS_DIR, 'isDirectory'),
    usersFile: readPath('QUICKSTART_USERS_FILE', env.QUICKSTART_USERS_FILE, 'isFile'),
    groupsFile: readPath('QUICKSTART_GROUPS_FILE', env.QUICKSTART_GROUPS_FILE, 'isFile'),
    hasLogout: env.QUICKSTART_LOGOUT,
    realm: env.QUICKSTART_REALM,
    protect: env.QUICKSTART_PROTECT === undefined ? [] : splitList(env.QUICKSTART_PROTECT),
    redisUrl: readRedisUrl(env.QUICKSTART_REDIS_URL),
    loginTries: readFinite('QUICKSTART_LOGIN_TRIES', env.QUICKSTART_LOGIN_TRIES),
    loginWaitSeconds: readFinite('QUICKSTART_LOGIN_WAIT_SECONDS', env.QUICKSTART_LOGIN_WAIT_SECONDS),
    trustProxy: readTrustProxy(env.QUICKSTART_TRUST_PROXY),
    csp: readPolicy('QUICKSTART_CSP', env.QUICKSTART_CSP ?? 'strict'),
    cspReportOnly: readPolicy('QUICKSTART_CSP_REPORT_ONLY', env.QUICKSTART_CSP_REPORT_ONLY ?? 'off'),
    logLevel: env.QUICKSTART_LOG_LEVEL,
    metrics: readMetricsPlace(env.QUICKSTART_METRICS),
    stop: readStopOptions(env.QUICKSTART_DRAIN_SECONDS, env.QUICKSTART_GRACE_SECONDS),
    workers: {
      startSeconds: readFinite('QUICKSTART_START_SECONDS', env.QUICKSTART_START_SECONDS),
      blockedSeconds: readFinite('QUICKSTART_BLOCKED_SECONDS', env.QUICKSTART_BLOCKED_SECONDS)
    }
  }
}

function readEnvironment (): Static<typeof settingsSchema> {
  const variables = { ...readEnvFile(), ...process.env }
  try {
    return envSchema<Static<typeof settingsSchema>>({
      schema: settingsSchema,
      data: variables,
      env: false,
      ajv: {
        customOptions (ajv) {
          // An unknown QUICKSTART_* name is an error: by default env-schema drops it in silence.
          ajv.opts.removeAdditional = false
          return ajv
        }
      }
    })
  } catch (error) {
    throw explain(error as EnvSchemaError, variables) // env-schema throws errors of this shape alone
  }
}

/** An error of env-schema: Ajv's list of what does not fit, which has one entry or more. */
interface EnvSchemaError extends Error {
  errors: [{ instancePath: string, params: { additionalProperty?: string } }]
}

function explain ({ errors: [first] }: EnvSchemaError, variables: NodeJS.ProcessEnv): Error {
  const unknown = first.params.additionalProperty
  if (unknown !== undefined) {
    const known = Object.keys(settingsSchema.properties).join(', ')
    return new InvalidSetting(`${unknown} is not a setting; known settings: ${known}`)
  }
  const name = first.instancePath.slice(1) as SettingName // the schema refuses any other name above
  return createMisfit(name, variables[name])
}

/**
 * Creates the error for a value that does not fit, which shows it unless it may hold a password.
 *
 * @param reason what is wrong with the value, in words that follow it
 */
function createMisfit (name: SettingName, value: string | undefined, reason = ''): Error {
  // TypeBox keeps a schema's description, which its types do not show.
  const { description } = settingsSchema.properties[name] as object as { description: string }
  const isSecret = name === 'QUICKSTART_REDIS_URL'
  const shown = value === undefined || isSecret ? 'does not fit' : `is ${JSON.stringify(value)}${reason}`
  return new InvalidSetting(`${name} ${shown}; it takes ${description}`)
}

function splitList (text: string): string[] {
  return text.split(',').map((entry) => entry.trim())
}

/** Returns the absolute path of a file or folder that exists. */
function readPath (name: SettingName, value: string | undefined, kind: 'isDirectory' | 'isFile'): string | undefined {
  if (value === undefined) return undefined
  let path, stat
  try {
    path = resolve(value) // throws where the current folder was removed
    stat = statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // a system error
    throw createMisfit(name, value, `, which cannot be read (${code})`)
  }
  if (stat === undefined) throw createMisfit(name, value, ', which does not exist')
  if (!stat[kind]()) throw createMisfit(name, value, `, which is not a ${kind === 'isFile' ? 'file' : 'folder'}`)
  return path
}

/** Redis takes a number as its database. A password's `/`, `#`, `?` or `%` that is not encoded shifts the parts. */
function readRedisUrl (value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  try {
    const { pathname, search, hash, username, password } = new URL(value)
    decodeURIComponent(username)
    decodeURIComponent(password)
    if (/^\/?\d*$/.test(pathname) && !search.includes('@') && hash === '') return value
  } catch {}
  throw createMisfit('QUICKSTART_REDIS_URL', value)
}

/** Names for private ranges that Fastify's `trustProxy` takes. */
const addressNames = new Set(['loopback', 'linklocal', 'uniquelocal'])

/** A number of hops is not taken: anybody can send as many addresses. */
function readTrustProxy (value: string | undefined): boolean | string[] {
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  const addresses = splitList(value)
  try {
    proxyAddr.compile(addresses) // what Fastify does with them; it takes `1` for 0.0.0.1
    const isKnown = (address: string) => addressNames.has(address) || isIP(address.replace(/\/.*/s, '')) !== 0
    if (addresses.every(isKnown)) return addresses
  } catch {}
  throw createMisfit('QUICKSTART_TRUST_PROXY', value)
}

function readPolicy (name: SettingName, value: ContentSecurityPolicy): ContentSecurityPolicy {
  const problem = findPolicyProblem(value)
  if (problem !== undefined) throw createMisfit(name, value, problem)
  return value
}

/** An address, IPv6 in brackets, and a port or a range of ports. */
function readMetricsPlace (value: string | undefined): MetricsPlace | undefined {
  if (value === undefined) return undefined
  const [, ipv6, name, first, last] = /^(?:\[([\da-f:]+)\]|([\w.-]+)):(\d{1,5})(?:-(\d{1,5}))?$/i.exec(value) ?? []
  const host = ipv6 ?? name
  const port = Number(first)
  if (host === undefined || port > 65535) throw createMisfit('QUICKSTART_METRICS', value)
  if (last === undefined) return { host, port }
  const lastPort = Number(last)
  if (port === 0 || lastPort < port || lastPort > 65535) throw createMisfit('QUICKSTART_METRICS', value)
  return { host, port, lastPort }
}

function readStopOptions (drain: number | undefined, grace: number): StopOptions {
  const isProduction = process.env.NODE_ENV === 'production'
  const graceSeconds = readFinite('QUICKSTART_GRACE_SECONDS', grace)
  const drainSeconds = drain ?? (isProduction ? Math.min(2.5, graceSeconds - 1) : 0)
  if (drainSeconds >= 0 && drainSeconds <= graceSeconds - 1) return { drainSeconds, graceSeconds }
  throw createMisfit('QUICKSTART_DRAIN_SECONDS', String(drain))
}

/** Ajv takes Infinity for a number that fits, and a timer takes it for none at all. */
function readFinite (name: SettingName, value: number): number {
  if (Number.isFinite(value)) return value
  throw createMisfit(name, String(value))
}
