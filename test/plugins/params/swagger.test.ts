import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import t from 'tap'
import { Type } from 'typebox'
import params, { bool, int, string } from '../../../plugins/params/index.ts'

/** What is looked at of an operation in OpenAPI's document. */
interface Operation {
  parameters?: { name: string, in: string, required?: boolean, schema: object }[]
  requestBody?: { content: Record<string, { schema: { required?: string[], properties: object } }> }
  responses: Record<string, { content?: Record<string, { schema: object }> }>
  security?: object[]
}

/** The document's operations by their method and path. */
function operationsOf (document: object): Record<string, Operation> {
  const { paths } = document as { paths: Record<string, Record<string, Operation>> }
  return Object.fromEntries(Object.entries(paths).flatMap(([path, methods]) => {
    return Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation])
  }))
}

t.test('beside @fastify/swagger the routes to try are described as they are', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: {} })
  await app.register(params)
  await app.ready()
  const operations = operationsOf(app.swagger())

  t.same(Object.keys(operations).sort(), ['GET /path/{*}', 'GET /post/{id}', 'GET /search', 'GET /user/{username}', 'POST /user'])
  t.same(operations['GET /search']?.parameters?.map(({ name, required }) => [name, required ?? false]), [['q', false], ['page', false], ['tag', false]])
  t.match(operations['GET /search']?.parameters?.[1], { in: 'query', schema: { type: 'integer', minimum: 1, default: 1 } })
  t.same(Object.keys(operations['GET /search']?.responses['200']?.content ?? {}), ['application/json'])
  t.same(Object.keys(operations['POST /user']?.requestBody?.content ?? {}), ['application/x-www-form-urlencoded'])
  t.match(operations['POST /user']?.requestBody?.content['application/x-www-form-urlencoded']?.schema, { required: ['username'] })
  t.same(Object.keys(operations['POST /user']?.responses ?? {}), ['303'])
  t.equal(operations['POST /user']?.responses['303']?.content, undefined)
  for (const path of ['GET /user/{username}', 'GET /post/{id}', 'GET /path/{*}']) {
    t.match(operations[path]?.responses['200']?.content, { 'text/plain': { schema: { type: 'string' } } }, path)
    t.match(operations[path]?.parameters, [{ in: 'path', required: true }], path)
  }
})

t.test('a default is not required in a route of the host, whose schema stays as it is', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: {} })
  await app.register(params, { routes: false })
  const fields = Type.Object(
    { must: int(), n: int({ default: 1 }), yes: bool(), list: Type.Array(string(), { default: [] }) }
  )
  const all = Type.Object({ n: int({ default: 1 }) })
  const shared = Type.Object({ n: int({ default: 1 }) }, { $id: 'shared' })
  const before = JSON.stringify([fields, all, shared])
  app.get('/query', { schema: { querystring: fields } }, async (request) => request.query)
  // Fastify's types do not know the other name of the query.
  const other: object = { query: all }
  app.get('/other', { schema: other }, async (request) => request.query)
  app.post('/body', { schema: { body: fields } }, async (request) => request.body)
  app.post('/all', { schema: { body: all } }, async (request) => request.body)
  app.post('/shared', { schema: { body: shared } }, async (request) => request.body)
  app.post('/frozen', { schema: Object.freeze({ body: Object.freeze(Type.Object({ n: int({ default: 1 }) })) }) }, async (request) => request.body)
  await app.ready()
  const operations = operationsOf(app.swagger())
  const bodyOf = (path: string) => operations[path]?.requestBody?.content['application/json']?.schema

  t.same(operations['GET /query']?.parameters?.filter(({ required }) => required).map(({ name }) => name), ['must'])
  t.same(operations['GET /other']?.parameters?.filter(({ required }) => required), [])
  t.same(bodyOf('POST /body')?.required, ['must'])
  t.equal(bodyOf('POST /all')?.required, undefined)
  t.equal(bodyOf('POST /frozen')?.required, undefined)
  t.equal(JSON.stringify([fields, all, shared]), before)

  t.strictSame((await app.inject('/query?must=1')).json(), { must: 1, n: 1, yes: false, list: [] })
  t.equal((await app.inject('/query')).statusCode, 400)
  t.strictSame((await app.inject({ method: 'POST', url: '/body', payload: { must: 1 } })).json(), { must: 1, n: 1, yes: false, list: [] })
  for (const url of ['/all', '/shared', '/frozen']) t.strictSame((await app.inject({ method: 'POST', url, payload: {} })).json(), { n: 1 }, url)
})

t.test('a transform adds what only the host knows, such as who needs a login', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, {
    openapi: { components: { securitySchemes: { login: { type: 'http', scheme: 'basic' } } } },
    transform: ({ schema, url, route }) => {
      const needsLogin = (route.config as { login?: boolean } | undefined)?.login === true
      return { url, schema: { ...schema, ...(needsLogin && { security: [{ login: [] }] }) } }
    }
  })
  await app.register(params, { routes: false })
  const guarded: object = { login: true }
  app.get('/guarded', { config: guarded }, async () => 'guarded')
  app.get('/open', async () => 'open')
  await app.ready()
  const operations = operationsOf(app.swagger())
  t.same(operations['GET /guarded']?.security, [{ login: [] }])
  t.equal(operations['GET /open']?.security, undefined)
})
