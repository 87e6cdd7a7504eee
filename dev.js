// `npm run dev`: runs the server from its sources, and starts it anew when one of them is saved. Views and public files
// need no restart: their pages reload. Flags go to the server: `npm run dev -- --auth=false`.
import { join } from 'node:path'

const root = import.meta.dirname
// Node 20 runs no TypeScript. There, as in the tests, each file is compiled as it is loaded.
const register = new URL('test/compiled/register.js', import.meta.url).href
await import(register)

const { restartOnEdit } = await import('./bin/restart-on-edit.ts')
const server = [join(root, 'bin', 'fastify-quickstart.ts'), '--reload', '--log-level', 'info']
process.exitCode = await restartOnEdit({
  args: [`--import=${register}`, ...server, ...process.argv.slice(2)],
  paths: ['app.ts', 'routes.ts', 'app', 'lib', 'plugins', 'bin', '.env'].map((name) => join(root, name))
})
