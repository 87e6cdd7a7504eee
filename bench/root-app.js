// The root app as its scenarios ask it, and what its peers need to answer the same.
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

export const rootApp = { viewsFolder: join(root, 'views'), publicFolder: join(root, 'public') }

/**
 * The job of those who serve the whole app.
 *
 * @param {import('./fixtures.js').Fixtures} fixtures
 */
export async function createAppJob (fixtures) {
  const users = await fixtures.users(1)
  return {
    topic: 'app',
    ...rootApp,
    ejsFolder: await fixtures.ejsViews(),
    users,
    usersFile: users.argon2id,
    page: await readPage()
  }
}

/** What the root app's pages show, from the built app itself: its peers are not to show less. */
async function readPage () {
  const { listCards } = await import('../dist/app/pages/cards.js')
  const { mapOfSources } = await import('../dist/app/pages/source-pages.js')
  const urls = {
    prefix: '',
    helloUrl: '/hello',
    scriptUrl: '/static/app.js',
    secretUrl: '/secret',
    sourceUrl: '/source/',
    hasBuiltInLogin: false
  }
  const on = { hello: {}, static: {}, templates: {}, params: {}, auth: {} }
  return {
    cards: listCards(on, urls),
    map: urls.sourceUrl + mapOfSources,
    home: '/',
    invites: false,
    login: urls.secretUrl,
    logout: '/logout',
    static: true
  }
}

/**
 * Reads a page, whatever line breaks the language of the templates leaves between its lines, and without the
 * fingerprints that the suite alone has in the URLs of files.
 *
 * @param {Buffer} body
 */
export function readAppPage (body) {
  return body.toString().replace(/(\/static\/\w+)\.[0-9a-f]{16}\./g, '$1.').replace(/\s*\n\s*/g, '\n').trim()
}
