import { fileURLToPath } from 'node:url'
import auth from 'fastify-quickstart/auth'
import files from 'fastify-quickstart/static'
import templates from 'fastify-quickstart/templates'

/** The admin area: pages with a style of their own, behind a login. */
export default async function admin (area, { measurements }) {
  // USERS_FILE is made with: npx fastify-quickstart hash-password NAME >> users
  const { USERS_FILE } = process.env
  await area.register(auth, { path: false, realm: 'Admin area', ...(USERS_FILE && { htpasswd: USERS_FILE }) })
  area.addHook('onRequest', area.requiresAuth)

  await area.register(files, { root: fileURLToPath(new URL('public', import.meta.url)) })
  await area.register(templates, { root: new URL('views', import.meta.url) })

  area.get('/', async (request, reply) => reply.render('measurements', { latest: measurements.slice(-10) }))
}
