import createError from '@fastify/error'
import envSchema from 'env-schema'
import ipaddr from 'ipaddr.js'
import { statSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { type Static, Type } from 'typebox'

/**
 * Every setting there is, read from the environment or from a file `.env` in the current folder (the environment wins).
 * The description completes the sentence "it takes …" and stands in the error for a value that does not fit.
 */
export const settingsSchema = Type.Object({
  QUICKSTART_HELLO: Type.Boolean({ default: true, description: 'true or false' }),
  QUICKSTART_STATIC: Type.Boolean({ default: true, description: 'true or false' }),
  QUICKSTART_TEMPLATES: Type.Boolean({ default: true, description: 'true or false' }),
  QUICKSTART_PARAMS: Type.Boolean({ default: true, description: 'true or false' }),
  QUICKSTART_AUTH: Type.Boolean({ default: true, description: 'true or false' }),
  QUICKSTART_PUBLIC_DIR: Type.Optional(Type.String({ minLength: 1, description: 'a folder of static files' })),
  QUICKSTART_VIEWS_DIR: Type.Optional(Type.String({ minLength: 1, description: 'a folder of Eta templates' })),
  QUICKSTART_USERS_FILE: Type.Optional(Type.String({ minLength: 1, description: 'a readable htpasswd file' })),
  QUICKSTART_REALM: Type.Optional(Type.String({ pattern: '^[ -~]+$', description: 'printable ASCII text' })),
  QUICKSTART_PROTECT: Type.Optional(Type.String({ pattern: '^\\s*/[^,]*(,\\s*/[^,]*)*$', description: 'route paths that need a login, separated by commas, such as /,/static/*' })),
  QUICKSTART_REDIS_URL: Type.Optional(Type.String({ pattern: '^rediss?://.+', description: 'an address such as redis://127.0.0.1:6379' })),
  QUICKSTART_TRUST_PROXY: Type.Optional(Type.String({ minLength: 1, description: 'true, false, or the addresses of the proxies separated by commas, such as 127.0.0.1,10.0.0.0/8' }))
}, { patternProperties: { '^(?!QUICKSTART_)': {} }, additionalProperties: false })

/** The settings, checked and in the shapes that app.ts works with. */
export interface Settings {
  /** Which topics are on, as the environment has it. */
  switches: Record<'hello' | 'static' | 'templates' | 'params' | 'auth', boolean>
  /** Absolute path, or undefined for the suite's own folder. */
  publicDir: string | undefined
  /** Absolute path, or undefined for the suite's own folder. */
  viewsDir: string | undefined
  /** Absolute path of an htpasswd file. */
  usersFile: string | undefined
  realm: string | undefined
  /** Route paths that need a login. */
  protect: string[]
  redisUrl: string | undefined
  /** As Fastify's server option `trustProxy` takes it. */
  trustProxy: boolean | string[]
}

const InvalidSetting = createError('FST_QUICKSTART_APP_INVALID_SETTING', '%s', 500, TypeError)

/**
 * Reads and checks the settings.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_SETTING` for an unknown `QUICKSTART_*` name or a value that does not fit, in one
 * line that names the variable and what it takes
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
    publicDir: existing('QUICKSTART_PUBLIC_DIR', env.QUICKSTART_PUBLIC_DIR, 'isDirectory'),
    viewsDir: existing('QUICKSTART_VIEWS_DIR', env.QUICKSTART_VIEWS_DIR, 'isDirectory'),
    usersFile: existing('QUICKSTART_USERS_FILE', env.QUICKSTART_USERS_FILE, 'isFile'),
    realm: env.QUICKSTART_REALM,
    protect: env.QUICKSTART_PROTECT === undefined ? [] : splitList(env.QUICKSTART_PROTECT),
    redisUrl: env.QUICKSTART_REDIS_URL,
    trustProxy: trustProxy(env.QUICKSTART_TRUST_PROXY)
  }
}

function readEnvironment (): Static<typeof settingsSchema> {
  try {
    return envSchema<Static<typeof settingsSchema>>({
      schema: settingsSchema,
      dotenv: true,
      ajv: {
        customOptions (ajv) {
          // An unknown QUICKSTART_* name shall be an error, not be dropped in silence.
          ajv.opts.removeAdditional = false
          return ajv
        }
      }
    })
  } catch (error) {
    throw explain(error as EnvSchemaError)
  }
}

/** What env-schema throws: Ajv's list of what does not fit. */
interface EnvSchemaError extends Error {
  errors?: { instancePath: string, data?: unknown, params: { additionalProperty?: string } }[]
}

function explain (error: EnvSchemaError): Error {
  const [first] = error.errors ?? []
  if (first === undefined) return new InvalidSetting(`.env cannot be read: ${error.message}`)
  const unknown = first.params.additionalProperty
  if (unknown !== undefined) {
    return new InvalidSetting(`${unknown} is no setting; there are ${Object.keys(settingsSchema.properties).join(', ')}`)
  }
  const name = first.instancePath.slice(1) as keyof typeof settingsSchema.properties
  return misfit(name, process.env[name])
}

/** The error for a value that does not fit, which shows it unless it may hold a password. */
function misfit (name: keyof typeof settingsSchema.properties, value: string | undefined, reason = ''): Error {
  // TypeBox keeps a schema's description, which its types do not show.
  const { description } = settingsSchema.properties[name] as object as { description: string }
  const shown = value === undefined || name === 'QUICKSTART_REDIS_URL' ? 'does not fit' : `is ${JSON.stringify(value)}${reason}`
  return new InvalidSetting(`${name} ${shown}; it takes ${description}`)
}

function splitList (text: string): string[] {
  return text.split(',').map((entry) => entry.trim())
}

function existing (name: keyof typeof settingsSchema.properties, value: string | undefined, kind: 'isDirectory' | 'isFile'): string | undefined {
  if (value === undefined) return undefined
  const path = resolve(value)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw misfit(name, value, ', which does not exist')
  if (!stat[kind]()) throw misfit(name, value, `, which is no ${kind === 'isFile' ? 'file' : 'folder'}`)
  return path
}

/** A number of hops is not taken: Fastify trusts nobody by a number, since anybody can send as many addresses. */
function trustProxy (value: string | undefined): boolean | string[] {
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  const addresses = splitList(value)
  if (!addresses.every((address) => isIP(address) !== 0 || ipaddr.isValidCIDR(address) || addressNames.has(address))) {
    throw misfit('QUICKSTART_TRUST_PROXY', value)
  }
  return addresses
}

/** Names for private ranges that Fastify's `trustProxy` knows. */
const addressNames = new Set(['loopback', 'linklocal', 'uniquelocal'])
