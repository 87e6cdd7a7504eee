import { isObject, othersOptions as fastifysOptions } from '../../lib/check-options.ts'
import type { AuthOptions } from '../../plugins/auth/index.ts'
import type { HelloOptions } from '../../plugins/hello/index.ts'
import type { ParamsOptions } from '../../plugins/params/index.ts'
import type { StaticOptions } from '../../plugins/static/index.ts'
import type { TemplatesOptions } from '../../plugins/templates/index.ts'
import { type ContentSecurityPolicy, findPolicyProblem } from './content-security-policy.ts'
import { InvalidOption, ProtectWithoutAuth } from './errors.ts'
import type { OwnRoutes } from '../own-routes.ts'
import type { Settings } from './settings.ts'

/** Options of each topic's plugin, by the topic's name. */
export interface TopicOptions {
  hello: HelloOptions
  static: StaticOptions
  templates: TemplatesOptions
  params: ParamsOptions
  auth: AuthOptions
}

/** The name of a topic, the same in options, flags and (in capitals, after `QUICKSTART_`) in the environment. */
export type Topic = keyof TopicOptions

/**
 * Options of the root app. Each topic has a switch: `false` switches it off, `true` on, and an object switches it on
 * with these options for its plugin. A topic left out is as the environment has it (`QUICKSTART_AUTH=false`), else on.
 */
export type QuickstartOptions = { [Name in Topic]?: boolean | Partial<TopicOptions[Name]> } & {
  /**
   * Whether the tutorial's own pages are there: hello's route, the index page, the routes of params, the secret page,
   * the logout page and the sources. With `false` the topics stay on for your own routes, and a page that a topic's
   * options name is there: `{ tutorial: false, hello: true }` answers `/hello`. Default: `QUICKSTART_TUTORIAL`, else
   * `true`.
   */
  tutorial?: boolean
  /**
   * Routes of your own: a plugin, or a list of them. They run inside the app after the topics, with all their
   * decorators, pages, headers and guards. Beside the app, on the host, routes have none of these. Default: none.
   */
  routes?: OwnRoutes
  /**
   * The policy for what pages may load and run: `'strict'` (this server's files and what has the page's nonce), `'off'`
   * (no header), or the text of a Content-Security-Policy header. Default: `QUICKSTART_CSP`, else `'strict'`.
   */
  csp?: ContentSecurityPolicy
  /**
   * A policy that browsers try beside `csp`: they report what it would stop, and stop nothing. It takes what `csp`
   * takes. Default: `QUICKSTART_CSP_REPORT_ONLY`, else `'off'`.
   */
  cspReportOnly?: ContentSecurityPolicy
  /**
   * Reloads the pages in the browser when a file in the folders of views or public files changes, or the server starts
   * anew. Ignored in production. Default `false`.
   */
  reload?: boolean
  /**
   * Whether this is a worker of `fastify-quickstart --workers`, whose primary counts failed logins and serves metrics
   * for all workers. Default `false`.
   */
  worker?: boolean
}

/** For each topic the options given for its plugin, or undefined where it is off. */
export type Switches = { [Name in Topic]: Partial<TopicOptions[Name]> | undefined }

const topics: readonly Topic[] = ['hello', 'static', 'templates', 'params', 'auth']

/** Every name that the app takes as an option or a flag. */
const names: readonly string[] = [...topics, 'tutorial', 'routes', 'csp', 'cspReportOnly', 'reload', 'worker']

/**
 * Refuses a flag of the app among fastify's own: fastify-cli drops there, without a word, what it does not know.
 *
 * @param words the whole command line of `fastify start`
 * @throws `FST_QUICKSTART_APP_INVALID_OPTION` for a flag of the app with no `--` before it
 */
export function refuseLostSwitches (words: readonly string[]): void {
  const fastifysOwn = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  for (const name of names) {
    const lost = fastifysOwn.find((word) => [`--${name}`, `--no-${name}`].includes(word.replace(/=.*/s, '')))
    if (lost === undefined) continue
    throw new InvalidOption(`${lost} would have no effect here: switches go behind a -- of their own, ` +
      `as in npm start -- -- --${name}=${isSwitch(name) ? 'false' : '…'}`)
  }
}

/** The options of the app, checked, with the settings in the place of those left out. */
export interface CheckedOptions {
  /** The topics that are on. */
  on: Switches
  /** Whether the tutorial's own pages are there. */
  hasTutorial: boolean
  csp: ContentSecurityPolicy
  cspReportOnly: ContentSecurityPolicy
  /** Never true in production. */
  reload: boolean
  isWorker: boolean
}

/**
 * Reads the options of the app. Command-line flags arrive among them, as strings. Both win over the environment.
 *
 * @throws `FST_QUICKSTART_APP_INVALID_OPTION` for an unknown name or a value that does not fit
 * @throws `FST_QUICKSTART_APP_PROTECT_WITHOUT_AUTH` where pages are to be protected and auth is off
 */
export function readOptions (given: QuickstartOptions, settings: Settings): CheckedOptions {
  const switches = readGivenSwitches(given)
  const hasTutorial = readFlag('tutorial', switches.get('tutorial'), settings.hasTutorial)
  const on = readTopics(switches, settings, hasTutorial)
  if (on.auth === undefined && settings.protect.length > 0) throw new ProtectWithoutAuth()
  return {
    on,
    hasTutorial,
    csp: readPolicy('csp', given, settings),
    cspReportOnly: readPolicy('cspReportOnly', given, settings),
    reload: readFlag('reload', given.reload) && process.env.NODE_ENV !== 'production',
    isWorker: readFlag('worker', given.worker)
  }
}

/** The switches among the options by their names, not checked yet. */
function readGivenSwitches (options: QuickstartOptions): ReadonlyMap<string, unknown> {
  const given = new Map<string, unknown>()
  for (const [name, value] of Object.entries(options)) {
    // fastify-cli hands `--no-auth` over as `noAuth: true`.
    const negated = switchNames.find((known) => name === `no${known[0]?.toUpperCase()}${known.slice(1)}`)
    if (negated !== undefined) given.set(negated, value === true ? false : value)
    else if (isSwitch(name)) given.set(name, value)
    else if (!names.includes(name) && !fastifysOptions.has(name)) {
      const known = names.join(', ')
      throw new InvalidOption(`"${name}" is not an option of the app (--${name} as a flag); known options: ${known}`)
    }
  }
  return given
}

/** Options that leave a topic's own pages away. Hello is a page alone, which is off then. */
const withoutPages: { readonly [Name in Topic]?: Partial<TopicOptions[Name]> } = {
  templates: { index: false },
  params: { routes: false },
  auth: { path: false }
}

function readTopics (given: ReadonlyMap<string, unknown>, settings: Settings, hasTutorial: boolean): Switches {
  const switches: Record<string, object | undefined> = {}
  for (const topic of topics) {
    const preset = hasTutorial ? {} : withoutPages[topic]
    const setting = settings.switches[topic] ?? hasTutorial // hello's alone may be left out
    const value = given.get(topic) === undefined ? setting : given.get(topic)
    const isOn = readBoolean(value)
    if (isOn !== undefined) switches[topic] = isOn ? { ...preset } : undefined
    else if (isObject(value)) switches[topic] = { ...preset, ...dropUndefined(value) }
    else throw createMisfit(topic, value, "true, false, or as an option an object with the plugin's options")
  }
  // Each value is an object for that topic's plugin, which checks it when it is registered.
  return switches as Switches
}

/** The options that are given: one that is `undefined` stands for the setting or the default. */
function dropUndefined (options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function readPolicy (
  name: 'csp' | 'cspReportOnly', given: QuickstartOptions, settings: Settings
): ContentSecurityPolicy {
  const policy = given[name]
  if (policy === undefined) return settings[name]
  const problem = typeof policy === 'string' ? findPolicyProblem(policy) : ''
  if (problem === undefined) return policy
  throw createMisfit(name, policy, "strict, off, or the text of a policy, such as default-src 'self'", problem)
}

function readFlag (name: string, given: unknown, preset = false): boolean {
  const value = given === undefined ? preset : given
  const isOn = readBoolean(value)
  if (isOn === undefined) throw createMisfit(name, value, 'true or false')
  return isOn
}

/** Every name that `no` may stand before. */
const switchNames: readonly string[] = [...topics, 'tutorial']

function isSwitch (name: string): boolean {
  return switchNames.includes(name)
}

/** A boolean, which is a text where it comes from a flag. */
function readBoolean (value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}

function createMisfit (name: string, value: unknown, takes: string, problem = ''): Error {
  return new InvalidOption(`"${name}" is ${JSON.stringify(value)}${problem} (--${name} as a flag); it takes ${takes}`)
}
