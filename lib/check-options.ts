import createError from '@fastify/error'
import type { FastifyServerOptions } from 'fastify'

/** The rule of one option: a test of its value, and words for values that pass it. */
export interface OptionRule {
  /** `true` for a value that the option takes. Never called with `undefined`, which stands for the plugin's default. */
  accepts: (value: unknown) => boolean
  /** Completes the sentence "expected …", such as `a path that starts with "/"`. */
  expected: string
  /** The option must be given. Default `false`. */
  required?: boolean
  /** The value may be a secret, so an error names its type alone. Default `false`. */
  secret?: boolean
}

/** The rule of each option that a plugin has, by the option's name. */
export type OptionRules<Options> = { [Name in keyof Required<Options>]: OptionRule }

/**
 * The server's options. `fastify start --options` hands them to the app as well, and @fastify/autoload hands what the
 * app got to each plugin.
 */
const serverOptions: ReadonlyArray<keyof FastifyServerOptions | 'http' | 'https' | 'http2' | 'http2SessionTimeout'> = [
  'ajv', 'allowErrorHandlerOverride', 'allowUnsafeRegex', 'bodyLimit', 'caseSensitive', 'childLoggerFactory',
  'clientErrorHandler', 'connectionTimeout', 'constraints', 'disableRequestLogging', 'exposeHeadRoutes',
  'forceCloseConnections', 'frameworkErrors', 'genReqId', 'handlerTimeout', 'http', 'http2', 'http2SessionTimeout',
  'https', 'ignoreDuplicateSlashes', 'ignoreTrailingSlash', 'keepAliveTimeout', 'logController', 'logger',
  'loggerInstance', 'maxParamLength', 'maxRequestsPerSocket', 'onConstructorPoisoning', 'onProtoPoisoning',
  'pluginTimeout', 'querystringParser', 'requestIdHeader', 'requestIdLogLabel', 'requestTimeout',
  'return503OnClosing', 'rewriteUrl', 'routerOptions', 'schemaController', 'schemaErrorFormatter', 'serializerOpts',
  'serverFactory', 'trustProxy', 'useSemicolonDelimiter'
]

/**
 * Options that arrive among a plugin's own and are others': those of `register` itself, `skipOverride`, which the test
 * helper of fastify-cli gives the app and @fastify/autoload its plugins, and the server's.
 */
export const othersOptions: ReadonlySet<string> = new Set([
  'prefix', 'logLevel', 'logSerializers', 'skipOverride', ...serverOptions
])

/**
 * Checks a plugin's options when it is registered, so that a mistake stops the start.
 *
 * @param topic the plugin's name, such as `hello`
 * @param options what the host gave, and what its tools added
 * @param rules the rule of each option
 * @throws `FST_QUICKSTART_<TOPIC>_INVALID_OPTION` for an unknown option, a missing one, or a value that does not fit
 */
export function checkOptions<Options extends object> (
  topic: string, options: Options, rules: OptionRules<Options>
): void {
  const code = `FST_QUICKSTART_${topic.toUpperCase()}_INVALID_OPTION`
  const InvalidOption = createError(code, `fastify-quickstart/${topic}: %s`, 500, TypeError)
  const known = new Map<string, OptionRule>(Object.entries(rules))
  if (!isObject(options)) {
    throw new InvalidOption(describeMisfit('the argument', options, { expected: 'an object of options' }))
  }

  for (const [name, value] of Object.entries(options)) {
    const rule = known.get(name)
    if (rule === undefined) {
      if (othersOptions.has(name)) continue
      throw new InvalidOption(`unknown option "${name}"; expected one of ${[...known.keys()].join(', ')}`)
    }
    if (value !== undefined && !rule.accepts(value)) {
      throw new InvalidOption(describeMisfit(`option "${name}"`, value, rule))
    }
  }
  for (const [name, rule] of known) {
    // Cast: any object of options is one of names and values.
    if (rule.required && (options as Record<string, unknown>)[name] === undefined) {
      throw new InvalidOption(`option "${name}" is missing; expected ${rule.expected}`)
    }
  }
}

/**
 * Says that a value does not fit: `option "port" is "x"; expected a whole number`.
 *
 * @param subject what has the value
 */
export function describeMisfit (
  subject: string, value: unknown, { expected, secret }: Omit<OptionRule, 'accepts'>
): string {
  return `${subject} is ${describe(value, secret)}; expected ${expected}`
}

function describe (value: unknown, secret = false): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof URL && !secret) return JSON.stringify(value.href)
  if (typeof value === 'object') return 'an object'
  if (secret || typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** Whether a value is an object, and neither null nor a list. */
export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is a whole number from 0, small enough to be exact. */
export function isCount (value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
