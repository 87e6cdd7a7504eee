import Fastify from 'fastify'
import hello, { type HelloOptions } from 'fastify-quickstart/hello'

const options: HelloOptions = { path: '/greeting', message: 'Hello from a consumer!' }

const app = Fastify()
await app.register(hello, options)
await app.register(hello, { prefix: '/again' })
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
