// `npm run build`: compiles the TypeScript into dist/. With --if-needed, as before `npm start`, only where dist/ is
// older than a source, and it says what is missing where the development packages are not installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { resolve } = createRequire(import.meta.url)

/** @param {string} name */
function isInstalled (name) {
  try {
    return resolve(name) !== ''
  } catch {
    return false
  }
}

/** When the newest source was written. */
function newestSource () {
  const files = ['app', 'lib', 'plugins', 'bin'].flatMap((folder) => {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  })
  return Math.max(...['app.ts', 'routes.ts', 'tsconfig.build.json', ...files].map((file) => statSync(file).mtimeMs))
}

const isIfNeeded = process.argv.includes('--if-needed')
const isBuilt = existsSync('dist/app.js')
const isFresh = isBuilt && statSync('dist/app.js').mtimeMs > newestSource()
const missing = [...isFresh ? [] : ['typescript'], ...isIfNeeded ? ['fastify-cli'] : []]
  .filter((name) => !isInstalled(`${name}/package.json`))

if (missing.length > 0) {
  // Nothing has been deleted: what is built can still be started.
  console.error(`${missing.join(' and ')} not installed: npm leaves the development packages out where NODE_ENV is ` +
    'production. Run npm ci --include=dev' +
    (isBuilt ? ', or start what is built with npx fastify-quickstart' : ''))
  process.exitCode = 1
} else if (!isIfNeeded || !isFresh) {
  rmSync('dist', { recursive: true, force: true })
  const compile = [resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json']
  const { status } = spawnSync(process.execPath, compile, { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
