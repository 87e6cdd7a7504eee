import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { createInvalidInput } from './input/invalid-input.ts'
import { path, string } from './converters/text-converters.ts'
import type { UnfitParameterError } from './url-for.ts'
import { int } from './converters/value-converters.ts'

/** The most bytes a form may have. */
const formLimit = 16 * 1024

const username = string({ maxLength: 1024 })

const Search = Type.Object({
  q: string({ minLength: 0, default: '' }),
  page: int({ min: 1, default: 1 }),
  tag: Type.Array(string(), { maxItems: 100, default: [] })
})

/** For a generator of documents such as @fastify/swagger, beside JSON Schema. */
const answersText = { produces: ['text/plain'], response: { 200: Type.String() } }
const takesForm = { consumes: ['application/x-www-form-urlencoded'] }

/** The routes to try: parameters of the path, of the query and of a form, each with its converters. */
export function addDemoRoutes (app: FastifyInstance): void {
  const typed = app
    // The host's validator and serializer may not know TypeBox. Every parameter here has a converter, which has
    // checked it by the time the validator would; TypeBox's own one, moreover, fails on the name '*'.
    .setValidatorCompiler(() => () => true)
    .setSerializerCompiler(() => JSON.stringify)
    .withTypeProvider<TypeBoxTypeProvider>()

  typed.get('/user/:username', {
    config: { name: 'user' },
    schema: { params: Type.Object({ username }), ...answersText }
  }, (request, reply) => {
    sendText(reply, `User ${request.params.username}`)
  })

  typed.get('/post/:id', {
    config: { name: 'post' },
    schema: { params: Type.Object({ id: int() }), ...answersText }
  }, (request, reply) => {
    sendText(reply, `Post ${request.params.id}`)
  })

  typed.get('/path/*', {
    config: { name: 'path' },
    schema: { params: Type.Object({ '*': path() }), ...answersText }
  }, (request, reply) => {
    sendText(reply, `Subpath ${request.params['*']}`)
  })

  typed.get('/search', {
    config: { name: 'search' },
    schema: { querystring: Search, response: { 200: Search } }
  }, (request, reply) => {
    const { q, page, tag } = request.query
    reply.header('x-content-type-options', 'nosniff').send({ q, page, tag })
  })

  // A context of its own, so that no other route starts to take forms, and this one takes nothing else.
  typed.register(async (forms) => {
    forms.removeAllContentTypeParsers()
    await forms.register(formbody, { bodyLimit: formLimit })
    forms.withTypeProvider<TypeBoxTypeProvider>().post('/user', {
      config: { name: 'createUser' },
      schema: { body: Type.Object({ username }), ...takesForm, response: { 303: Type.Null() } }
    }, (request, reply) => {
      // Cast: a prefix may have parameters too, which this schema does not know.
      const prefixParams = request.params as Record<string, string>
      reply.redirect(findLocation(app, prefixParams, request.body.username), 303)
    })
  })
}

/** nosniff: whatever the client sent, no browser takes it for markup. */
function sendText (reply: Pick<FastifyReply, 'type'>, text: string): void {
  reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff').send(text)
}

function findLocation (app: FastifyInstance, prefixParams: Record<string, string>, username: string): string {
  try {
    return app.urlFor('user', { ...prefixParams, username })
  } catch (error) {
    // A name that no URL of this app can hold, such as ".." or one past the router's maxParamLength.
    // Cast: whatever else was thrown has another code.
    const { code, parameter, expected } = error as UnfitParameterError
    if (code !== 'FST_QUICKSTART_PARAMS_UNFIT_PARAMETER') throw error
    const part = parameter === 'username' ? 'body' : 'params'
    throw createInvalidInput([{ in: part, name: parameter, expected, message: 'Please choose another name' }])
  }
}
