// `npm run build`: compiles the TypeScript into dist/. With --if-needed, as before `npm start`, only where dist/ was
// made of other sources, and it says what is missing where the development packages are not installed.
//
// It compiles into a folder beside dist/ that takes its place when it is whole: a build that fails or is interrupted
// leaves what was built before.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { resolve } = createRequire(import.meta.url)
const draft = `dist.${process.pid}`
const old = `${draft}.old`
/** Where dist/ keeps what it was made of. */
const record = '.sources'

const isIfNeeded = process.argv.includes('--if-needed')
const sources = digestSources()
const isBuilt = existsSync('dist/app.js')
const isFresh = isBuilt && existsSync(join('dist', record)) && readFileSync(join('dist', record), 'utf8') === sources
const missing = [...isFresh ? [] : ['typescript'], ...isIfNeeded ? ['fastify-cli'] : []]
  .filter((name) => !isInstalled(`${name}/package.json`))

if (missing.length > 0) {
  console.error(`${missing.join(' and ')} not installed: npm leaves the development packages out where NODE_ENV is ` +
    'production. Run npm ci --include=dev' +
    (isBuilt ? ', or start what is built with npx fastify-quickstart' : ''))
  process.exitCode = 1
} else if (!isIfNeeded || !isFresh) {
  await build()
}

async function build () {
  removeAbandoned()
  const compile = [resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', draft]
  const compiler = spawn(process.execPath, compile, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => compiler.kill())
  const [code] = await once(compiler, 'exit')
  if (code === 0) {
    writeFileSync(join(draft, record), sources)
    if (existsSync('dist')) renameSync('dist', old)
    renameSync(draft, 'dist')
  }
  for (const folder of [draft, old]) rmSync(folder, { recursive: true, force: true })
  process.exitCode = code ?? 1
}

/** A text that differs where a source does, or its name, whatever their times. */
function digestSources () {
  const files = ['app', 'lib', 'plugins', 'bin'].flatMap((folder) => {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    return names.map((name) => join(folder, name)).sort()
  })
  const hash = createHash('sha256')
  for (const file of ['app.ts', 'routes.ts', 'tsconfig.json', 'tsconfig.build.json', ...files]) {
    hash.update(`${file}\n`).update(createHash('sha256').update(readFileSync(file)).digest())
  }
  return hash.digest('hex')
}

/** Removes the draft of a build that was ended with SIGKILL. */
function removeAbandoned () {
  for (const name of readdirSync('.')) {
    const [, pid] = /^dist\.(\d+)(?:\.old)?$/.exec(name) ?? []
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(name, { recursive: true, force: true })
  }
}

/** @param {number} pid */
function isRunning (pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** @param {string} name */
function isInstalled (name) {
  try {
    return resolve(name) !== ''
  } catch {
    return false
  }
}
