import Fastify from 'fastify'
import quickstart, { options, type QuickstartOptions } from 'fastify-quickstart'

const switches: QuickstartOptions = { hello: { message: 'Hello from all five!' }, params: false }

const app = Fastify({ ...options, logger: false })
await app.register(quickstart, switches)
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
