import formbody from '@fastify/formbody'
import { logOut, optionalAuth, requiresAuth, requiresGroup } from 'fastify-quickstart/auth'
import { addIssue, any, bool, date, int, listIssues, string } from 'fastify-quickstart/params'
import { Type } from 'typebox'
import { openStore } from './store.js'

const sighting = Type.Object({
  species: string({ maxLength: 80 }),
  day: date({ min: '2000-01-01' }),
  count: int({ min: 1, max: 10_000 }),
  place: any('lake', 'meadow', 'wood'),
  ringed: bool(),
  note: string({ minLength: 0, maxLength: 1000, multiline: true })
})

/** A page of a list: the sightings that are older than the one with this id. */
const page = Type.Object({ before: Type.Optional(int()) })

/** The paths of the routes that have a name. `urlFor` takes these names, with the parameters of their paths. */
const paths = { index: '/', mine: '/mine', new: '/new', delete: '/sightings/:id/delete', logout: '/logout' }

/** The pages on which birds are written down. They run inside the app of fastify-quickstart. */
const routes = async (app) => {
  const store = await openStore(process.env.DATABASE_URL ?? 'file:sightings.db', process.env.DATABASE_AUTH_TOKEN)
  app.addHook('onClose', async () => store.close())
  app.addHealthCheck('database', () => store.check())
  app.addHook('onRequest', optionalAuth) // each page shows who is logged in
  await app.register(formbody)

  app.get(paths.index, {
    config: { name: 'index' }, schema: { querystring: page }
  }, async ({ query }, reply) => reply.render('index', await store.list(query)))

  app.get('/sightings.json', {
    schema: { querystring: Type.Object({ species: Type.Optional(string()), before: Type.Optional(int()) }) }
  }, async ({ query }) => (await store.list(query)).seen)

  app.get(paths.mine, {
    config: { name: 'mine' }, onRequest: requiresAuth, schema: { querystring: page }
  }, async ({ query, user }, reply) => {
    return reply.render('mine', await store.list({ by: user.name, ...query })) // requiresAuth has seen to the user
  })

  app.get(paths.new, { config: { name: 'new' }, onRequest: requiresAuth }, async (request, reply) => {
    return reply.render('new', { typed: {}, issues: [] })
  })

  app.post(paths.new, {
    onRequest: requiresAuth,
    schema: { body: sighting },
    attachValidation: true // a refused form comes here too
  }, async (request, reply) => {
    const { body, user } = request
    const isRefused = listIssues(request).length > 0
    if (!isRefused && !await store.add(user.name, body)) {
      addIssue(request, { name: 'day', message: 'You have this species on this day already' })
    }
    const issues = listIssues(request)
    if (issues.length > 0) return reply.code(400).render('new', { typed: body ?? {}, issues })
    return reply.redirect(app.urlFor('mine'), 303)
  })

  app.get(paths.logout, { config: { name: 'logout' } }, logOut)

  app.post(paths.delete, {
    config: { name: 'delete' },
    onRequest: requiresGroup('wardens'),
    schema: { params: Type.Object({ id: int() }) }
  }, async ({ params }, reply) => {
    if (!await store.remove(params.id)) return reply.callNotFound()
    return reply.redirect(app.urlFor('index'), 303)
  })
}

export default routes
