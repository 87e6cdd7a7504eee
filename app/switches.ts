import createError from '@fastify/error'
import type { AuthOptions } from '../plugins/auth/index.js'
import type { HelloOptions } from '../plugins/hello/index.js'
import type { ParamsOptions } from '../plugins/params/index.js'
import type { StaticOptions } from '../plugins/static/index.js'
import type { TemplatesOptions } from '../plugins/templates/index.js'
import type { Settings } from './settings.js'

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
 * Options of the root app: a switch for each topic. `false` switches it off, `true` on, and an object switches it on
 * with these options for its plugin. A topic left out is as the environment has it (`QUICKSTART_AUTH=false`), else on.
 */
export type QuickstartOptions = { [Name in Topic]?: boolean | Partial<TopicOptions[Name]> }

/** For each topic the options given for its plugin, or undefined where it is off. */
export type Switches = { [Name in Topic]: Partial<TopicOptions[Name]> | undefined }

const topics: readonly Topic[] = ['hello', 'static', 'templates', 'params', 'auth']

const InvalidSwitch = createError('FST_QUICKSTART_APP_INVALID_OPTION', '%s', 500, TypeError)

/**
 * Refuses a switch among fastify's own flags: fastify-cli drops there, without a word, what it does not know.
 *
 * @param words the whole command line of `fastify start`
 * @throws `FST_QUICKSTART_APP_INVALID_OPTION` for a switch that no `--` stands before
 */
export function refuseLostSwitches (words: readonly string[]): void {
  const fastifysOwn = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  for (const topic of topics) {
    const lost = fastifysOwn.find((word) => [`--${topic}`, `--no-${topic}`].includes(word.replace(/=.*/s, '')))
    if (lost !== undefined) {
      throw new InvalidSwitch(`${lost} would have no effect here: switches go behind a -- of their own, as in npm start -- -- --${topic}=false`)
    }
  }
}

/**
 * Decides which topics are on. Options and command-line flags arrive together, the flags as strings, and win over the
 * environment.
 *
 * @param options what the app was registered with
 * @param settings what the environment says
 * @param alsoKnown names that are no switch and yet come with the options
 * @throws `FST_QUICKSTART_APP_INVALID_OPTION` for an unknown name or a value that does not fit
 */
export function readSwitches (options: QuickstartOptions, settings: Settings, alsoKnown: ReadonlySet<string>): Switches {
  const given = new Map<string, unknown>()
  for (const [name, value] of Object.entries(options)) {
    // fastify-cli hands `--no-auth` over as `noAuth: true`.
    const negated = topics.find((topic) => name === `no${topic[0]?.toUpperCase()}${topic.slice(1)}`)
    if (negated !== undefined) given.set(negated, value === true ? false : value)
    else if ((topics as readonly string[]).includes(name)) given.set(name, value)
    else if (!alsoKnown.has(name)) {
      throw new InvalidSwitch(`"${name}" is no option of the app (--${name} as a flag); it takes ${topics.join(', ')}`)
    }
  }

  const switches: Record<string, object | undefined> = {}
  for (const topic of topics) {
    const value = given.get(topic) === undefined ? settings.switches[topic] : given.get(topic)
    if (value === true || value === 'true') switches[topic] = {}
    else if (value === false || value === 'false') switches[topic] = undefined
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) switches[topic] = value
    else {
      throw new InvalidSwitch(`"${topic}" is ${JSON.stringify(value)} (--${topic} as a flag); it takes true, false, or as an option an object with the plugin's options`)
    }
  }
  // Each value above is an object for that topic's plugin, which checks it when it is registered.
  return switches as Switches
}
