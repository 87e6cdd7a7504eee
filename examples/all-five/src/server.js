import Fastify from 'fastify'
import allFive from './app.js'

const app = Fastify({ logger: { level: 'warn' } })
await app.register(allFive)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Open ${url}/ in a browser. Ctrl-C stops the server.`)
