import type { FastifyInstance, FastifyRequest } from 'fastify'
import { basePath } from '../../lib/router.ts'
import type { TemplatesOptions } from '../../plugins/templates/index.ts'
import { cardsOf } from './cards.ts'
import type { Switches } from '../settings/switches.ts'

/** What the pages of the app need to know of it. */
export interface Site {
  /** The folder of views, absolute. */
  root: string
  /** The suite's own views, for what the folder lacks. */
  fallback: string
  /** Whether the tutorial's own admin / secret is in force. */
  builtInLogin: boolean
}

/** Options for the templates plugin: the index page, and what every page finds in `it`. */
export function templatesOptions (app: FastifyInstance, on: Switches, site: Site): TemplatesOptions {
  const { root, fallback, builtInLogin } = site
  const prefix = basePath(app)
  const secretPath = on.auth === undefined ? undefined : on.auth.path ?? '/secret'
  const cards = cardsOf(on, {
    prefix,
    helloPath: on.hello?.path ?? helloPath(on),
    scriptUrl: on.static && assetUrl(app, 'app.js'),
    secretPath,
    builtInLogin
  })
  const fixed = {
    home: `${prefix}/`,
    static: on.static !== undefined,
    /** Where a browser asks for the login; absent where nothing does. */
    login: typeof secretPath === 'string' ? prefix + secretPath : undefined
  }
  const { context, ...own } = on.templates! // this is asked where they are on
  return {
    root,
    fallback: own.root ?? fallback,
    pages: true,
    index: { path: '/', view: 'index', data: { cards } },
    context: withOwn(context, (request) => ({ ...fixed, nonce: request.cspNonce })),
    ...own
  }
}

/** The index page takes `/` where there is one. */
export function helloPath ({ templates }: Switches): string {
  return templates === undefined || templates.index === false ? '/' : '/hello'
}

type Context = NonNullable<TemplatesOptions['context']>

/** What the app adds to every page, and above it the host's own context. */
function withOwn (own: Context | undefined, added: (request: FastifyRequest) => object): Context {
  if (typeof own === 'function') return async (request) => ({ ...added(request), ...await own(request) })
  return (request) => ({ ...added(request), ...own })
}

/** The URL of a public file, or undefined where there is no such file. */
function assetUrl (app: FastifyInstance, name: string): string | undefined {
  try {
    return app.asset(name)
  } catch {
    return undefined
  }
}
