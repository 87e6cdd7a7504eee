import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import files, { type StaticOptions } from 'fastify-quickstart/static'

const root = mkdtempSync(join(import.meta.dirname, 'quickstart-static-'))
writeFileSync(join(root, 'plot.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
const options: StaticOptions = { root, prefix: '/files/', memory: { maxFileSize: 1_000_000 } }

const app = Fastify()
await app.register(files, options)
app.get('/', async () => {
  const url: string = app.asset('plot.svg')
  return { url }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
