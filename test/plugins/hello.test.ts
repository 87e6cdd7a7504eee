import Fastify from 'fastify'
import t from 'tap'
import hello from '../../plugins/hello/index.ts'

t.test('says hello, as plain text', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(hello)

  const answer = await app.inject('/')
  t.equal(answer.statusCode, 200)
  t.equal(answer.body, 'Hello World!')
  t.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
  t.equal(answer.headers['x-content-type-options'], 'nosniff')
})

t.test('takes another message, another path, and the prefix of the host', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(hello, { prefix: '/greetings', path: '/spanish', message: '¡Hola <b>mundo</b>!' })

  const answer = await app.inject('/greetings/spanish')
  t.equal(answer.body, '¡Hola <b>mundo</b>!')
  t.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
  t.equal((await app.inject('/spanish')).statusCode, 404)
})

t.test('can be registered twice', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(hello)
  await app.register(hello, { path: '/again', message: 'Hello again!' })

  t.equal((await app.inject('/')).body, 'Hello World!')
  t.equal((await app.inject('/again')).body, 'Hello again!')
})

t.test('refuses wrong options when it is registered', async (t) => {
  const wrong: [options: object, says: string][] = [
    [{ path: 'hello' }, 'option "path" is "hello"; expected a path that starts with "/"'],
    [{ path: 5 }, 'option "path" is 5; expected a path that starts with "/"'],
    [{ message: null }, 'option "message" is null; expected a string'],
    [{ message: ['Hello'] }, 'option "message" is an array; expected a string'],
    [{ message: {} }, 'option "message" is an object; expected a string'],
    [{ message: () => 'Hello' }, 'option "message" is a function; expected a string'],
    [{ mesage: 'Hello' }, 'unknown option "mesage"; expected one of path, message']
  ]
  for (const [options, says] of wrong) {
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(async () => await app.register(hello, options), {
      code: 'FST_QUICKSTART_HELLO_INVALID_OPTION',
      message: `fastify-quickstart/hello: ${says}`
    })
  }
})
