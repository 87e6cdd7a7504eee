import Fastify from 'fastify'
import params, { type ParamsOptions } from 'fastify-quickstart/params'

declare module 'fastify-quickstart/params' {
  interface Routes {
    user: { username: string }
    home: {}
  }
}

const options: ParamsOptions = { routes: true }

const app = Fastify()
await app.register(params, options)
app.get('/', { config: { name: 'home' } }, async () => {
  const url: string = app.urlFor('user', { username: 'a b' }, { query: { tag: ['x', 'y'] } })
  return { url, home: app.urlFor('home') }
})
app.get('/wrong', async () => {
  // @ts-expect-error the parameter is username
  return { url: app.urlFor('user', { name: 'a b' }) }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
