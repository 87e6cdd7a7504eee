import { optionalAuth, requiresAuth, requiresGroup } from 'fastify-quickstart/auth'
import { addIssue, any, bool, date, int, listIssues, string } from 'fastify-quickstart/params'
import { Type } from 'typebox'

const sighting = Type.Object({
  species: string({ maxLength: 80 }),
  day: date({ min: '2000-01-01' }),
  count: int({ min: 1, max: 10_000 }),
  place: any('lake', 'meadow', 'wood'),
  ringed: bool(),
  note: string({ minLength: 0, maxLength: 1000, multiline: true })
})

/** The pages on which birds are written down. The list is in memory: put a database in its place. */
const sightings = async (app) => {
  const seen = []
  let lastId = 0

  app.get('/', { config: { name: 'index' }, onRequest: optionalAuth }, async (request, reply) => {
    return reply.render('index', { seen })
  })

  app.get('/sightings.json', {
    schema: { querystring: Type.Object({ species: Type.Optional(string()) }) }
  }, async ({ query: { species } }) => seen.filter((one) => species === undefined || one.species === species))

  app.get('/mine', { config: { name: 'mine' }, onRequest: requiresAuth }, async (request, reply) => {
    return reply.render('mine', { seen: seen.filter(({ by }) => by === request.user?.name) })
  })

  app.get('/new', { config: { name: 'new' }, onRequest: requiresAuth }, async (request, reply) => {
    return reply.render('new', { typed: {}, issues: [] })
  })

  app.post('/new', {
    onRequest: requiresAuth,
    schema: { body: sighting },
    attachValidation: true // a refused form comes here too
  }, async (request, reply) => {
    const { body, user } = request
    const by = user.name // requiresAuth has seen to the user
    const isKnown = seen.some((one) => one.by === by && one.day === body?.day && one.species === body.species)
    if (isKnown) addIssue(request, { name: 'day', message: 'You have this species on this day already' })
    const issues = listIssues(request)
    if (issues.length > 0) return reply.code(400).render('new', { typed: body ?? {}, issues })
    seen.unshift({ id: ++lastId, by, ...body })
    return reply.redirect(app.urlFor('mine'), 303)
  })

  app.post('/sightings/:id/delete', {
    config: { name: 'delete' },
    onRequest: requiresGroup('wardens'),
    schema: { params: Type.Object({ id: int() }) }
  }, async ({ params }, reply) => {
    const index = seen.findIndex(({ id }) => id === params.id)
    if (index === -1) return reply.callNotFound()
    seen.splice(index, 1)
    return reply.redirect(app.urlFor('index'), 303)
  })
}

export default sightings
