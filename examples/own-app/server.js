import Fastify from 'fastify'
import admin from './admin/plugin.js'

// An app with ways of its own: JSON, its own error answers, one measurement a second.
const app = Fastify()
const measurements = []
const timer = setInterval(() => measurements.push({ at: new Date().toISOString(), value: Math.random() }), 1000)
app.addHook('onClose', async () => clearInterval(timer))

app.setErrorHandler((error, request, reply) => {
  return reply.code(error.statusCode ?? 500).send({ problem: error.message })
})

app.get('/', async () => ({ measurements: measurements.length, latest: measurements.at(-1) ?? null }))

// Everything of the admin area stays below /admin: its routes, its login, its pages.
await app.register(admin, { prefix: '/admin', measurements })

const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log(`Open ${url}/admin in a browser (admin / secret). Ctrl-C stops the server.`)
