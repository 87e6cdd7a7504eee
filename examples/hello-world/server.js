import Fastify from 'fastify'
import hello from 'fastify-quickstart/hello'

const app = Fastify()
await app.register(hello, { message: 'Hello from an example!' })

const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log(`Open ${url}/ in a browser. Ctrl-C stops the server.`)
