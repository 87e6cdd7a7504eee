import Fastify from 'fastify'
import params, { type ParamsOptions, type PathParams, type RoutesFrom } from 'fastify-quickstart/params'

const paths = { map: '/map/:lat-:lon' } as const

declare module 'fastify-quickstart/params' {
  interface Routes {
    user: PathParams<'/user/:username'>
    home: {}
  }
  interface Routes extends RoutesFrom<typeof paths> {}
}

const options: ParamsOptions = { routes: true }

const app = Fastify()
await app.register(params, options)
app.get('/', { config: { name: 'home' } }, async () => {
  const url: string = app.urlFor('user', { username: 'a b' }, { query: { tag: ['x', 'y'] } })
  return { url, home: app.urlFor('home') }
})
app.get(paths.map, { config: { name: 'map' } }, async () => {
  return { url: app.urlFor('map', { lat: 52, lon: 13 }) }
})
app.get('/wrong', async () => {
  // @ts-expect-error the parameter is username
  return { url: app.urlFor('user', { name: 'a b' }) }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
