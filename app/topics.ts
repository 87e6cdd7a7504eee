import type { FastifyInstance } from 'fastify'
import { toFolderPath } from '../lib/folder-path.ts'
import { readBasePath } from '../lib/router.ts'
import type { AuthOptions } from '../plugins/auth/index.ts'
import type { HelloOptions } from '../plugins/hello/index.ts'
import type { StaticOptions } from '../plugins/static/index.ts'
import type { TemplatesOptions } from '../plugins/templates/index.ts'
import { isClone, packageRoot, publicFolder, viewsFolder } from './package-root.ts'
import { listCards } from './pages/cards.ts'
import { mapOfSources, type SourcePagesOptions } from './pages/source-pages.ts'
import type { CheckedOptions, Switches } from './settings/quickstart-options.ts'
import type { Settings } from './settings/settings.ts'

/** Options of auth: users, realm and throttle as the settings say, and above them the app's own. */
export function createAuthOptions (own: Partial<AuthOptions>, settings: Settings, isWorker: boolean): AuthOptions {
  const options: AuthOptions = {
    ...(settings.usersFile !== undefined && !namesUsers(own) && { htpasswd: settings.usersFile }),
    ...(settings.groupsFile !== undefined && { groups: settings.groupsFile }),
    ...(settings.realm !== undefined && { realm: settings.realm }),
    protect: settings.protect,
    logout: defaultLogout,
    ...own
  }
  if (own.throttle !== false) {
    const shared = settings.redisUrl === undefined ? { cluster: isWorker } : { redis: settings.redisUrl }
    const { loginTries: perLogin, loginWaitSeconds: block } = settings
    options.throttle = { ...shared, perLogin, block, ...own.throttle }
  }
  return options
}

/** The path of the page that makes a browser forget its login. */
const defaultLogout = '/logout'

/** Whether the app itself names users, in whose place the settings would name a file. */
function namesUsers ({ users, htpasswd, verify }: Partial<AuthOptions>): boolean {
  return users !== undefined || htpasswd !== undefined || verify !== undefined
}

/** Options of static, for each folder that is served. Where two have the same file, the first one's is answered. */
export function createStaticOptions ({ static: own, templates }: Switches, settings: Settings): StaticOptions[] {
  if (own === undefined) return []
  const { root = settings.publicDir ?? publicFolder } = own
  // The suite's pages keep their style beside somebody else's files.
  const showsSuitePages = templates !== undefined && templates.root === undefined
  const isForeign = (own.root ?? settings.publicDir) !== undefined
  return [
    { ...own, root },
    ...(isForeign && showsSuitePages ? [{ root: publicFolder, prefix: '/static/quickstart/' }] : [])
  ]
}

/** Options of hello. It leaves `/` to the index page where there is one, and without the tutorial to own routes. */
export function createHelloOptions ({ hello, templates }: Switches, hasTutorial: boolean): HelloOptions {
  const hasIndexPage = templates !== undefined && templates.index !== false
  return { path: hasIndexPage || !hasTutorial ? '/hello' : '/', ...hello }
}

/**
 * Options of templates: the folders of views, the index page, and what every page finds in `it`.
 *
 * @param app has static already where it is on: the index page links to the file app.js
 */
export function createTemplatesOptions (
  app: FastifyInstance,
  { on, hasTutorial }: Pick<CheckedOptions, 'on' | 'hasTutorial'>,
  settings: Settings
): TemplatesOptions {
  const { context, ...own } = on.templates! // asked where they are on
  const prefix = readBasePath(app)
  const secretPath = on.auth && (on.auth.path ?? '/secret')
  const login = typeof secretPath === 'string' ? prefix + secretPath : undefined
  const logoutPath = on.auth && (on.auth.logout ?? defaultLogout)
  const logout = typeof logoutPath === 'string' ? prefix + logoutPath : undefined
  const sourceUrl = createSourcePagesOptions({ on, hasTutorial }, settings) && `${prefix}/source/`
  const cards = listCards(on, {
    prefix,
    helloUrl: `${prefix}${createHelloOptions(on, hasTutorial).path}`,
    scriptUrl: on.static && findAssetUrl(app, 'app.js'),
    secretUrl: login,
    sourceUrl,
    hasBuiltInLogin: on.auth !== undefined && !namesUsers(on.auth) && settings.usersFile === undefined
  })
  // The names are spelled out: V8 takes ten times as long to build an object that begins with a spread.
  const home = `${prefix}/`
  const hasStatic = on.static !== undefined
  // Whether the pages invite to change them, which is for whoever has a clone, and develops.
  const invites = sourceUrl !== undefined && isClone && process.env.NODE_ENV !== 'production'
  const addFixed = (own?: object) => ({ home, static: hasStatic, invites, login, logout, ...own })
  return {
    root: settings.viewsDir ?? viewsFolder,
    fallback: own.root ?? viewsFolder,
    pages: true,
    index: { path: '/', view: 'index', data: { cards, map: sourceUrl && sourceUrl + mapOfSources } },
    context: typeof context === 'function'
      ? async (request) => addFixed(await context(request))
      : addFixed(context),
    ...own
  }
}

/** The URL of a public file, or undefined where there is no such file. */
function findAssetUrl (app: FastifyInstance, name: string): string | undefined {
  try {
    return app.asset(name)
  } catch {
    return undefined
  }
}

/**
 * Options of the pages that show the topics' sources, or undefined without the tutorial and where the pages are not the
 * suite's own.
 */
export function createSourcePagesOptions (
  { on, hasTutorial }: Pick<CheckedOptions, 'on' | 'hasTutorial'>,
  settings: Settings
): SourcePagesOptions | undefined {
  const { root = settings.viewsDir ?? viewsFolder } = on.templates ?? {}
  return hasTutorial && on.templates !== undefined && root === viewsFolder ? { root: packageRoot, on } : undefined
}

/** The folders whose files a page is made of, for live reload. */
export function listPageFolders (on: Switches, settings: Settings): string[] {
  return [
    ...createStaticOptions(on, settings).slice(0, 1).map(({ root }) => root),
    ...(on.templates === undefined ? [] : [on.templates.root ?? settings.viewsDir ?? viewsFolder])
  ].map((folder) => toFolderPath(folder)!) // the topics have checked them
}
