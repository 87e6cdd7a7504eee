// What the README shows, in a project that another package manager installs: its programs, `require`, and the command
// with the README's file of routes. In a checkout that is installed, with a Node that runs TypeScript.
//   node .ci/on-package-manager.js pnpm
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisedOutput, readPages } from '../test/docs/pages.ts'

/**
 * @typedef {object} Manager
 * @property {string[]} packages what npm brings it from
 * @property {(tarball: string) => string} install
 * @property {string} run what runs a file
 * @property {string} command what runs the command
 * @property {string[]} [cannot] what is known to fail, and is not tried
 */

const onNode = { run: 'node', command: 'node_modules/.bin/fastify-quickstart' }

/** @type {Record<string, Manager>} */
const managers = {
  pnpm: { packages: ['pnpm@10'], install: (tarball) => `pnpm add fastify ${tarball}`, ...onNode },
  yarn: { packages: ['yarn@1'], install: (tarball) => `yarn add fastify ${tarball}`, ...onNode },
  'yarn-pnp': {
    packages: ['@yarnpkg/cli-dist@4'],
    install: (tarball) => `yarn add fastify fastify-quickstart@file:${tarball}`,
    run: 'yarn node',
    command: 'yarn fastify-quickstart'
  },
  bun: {
    packages: ['bun@1'],
    install: (tarball) => `bun add fastify ${tarball}`,
    run: 'bun',
    command: 'bun node_modules/fastify-quickstart/bin/run.js'
  },
  deno: {
    // Deno takes no tarball: npm installs.
    packages: ['deno@2'],
    install: (tarball) => `npm install --no-audit --no-fund fastify ${tarball}`,
    run: 'deno run --allow-all --node-modules-dir=manual',
    command: 'deno run --allow-all --node-modules-dir=manual node_modules/fastify-quickstart/bin/run.js',
    // One signal counts as two there, of which the second ends the server at once, with exit code 1.
    cannot: ['stop']
  }
}

const [, , name = ''] = process.argv
const manager = managers[name]
if (manager === undefined) throw new Error(`${name} is not one of ${Object.keys(managers).join(', ')}`)

const folder = mkdtempSync(join(tmpdir(), 'quickstart-'))
const project = join(folder, 'project')
const tools = join(folder, 'tools')
/** Each runs in a group of its own, which ends as a whole. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

try {
  const quietly = ['--no-audit', '--no-fund', '--prefer-offline']
  execFileSync('npm', ['install', '--prefix', tools, ...quietly, ...manager.packages], { stdio: 'inherit' })
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { encoding: 'utf8' })
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n')))
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "somebody-elses-app", "private": true, "type": "module" }')
  writeFileSync(join(project, 'yarn.lock'), '') // or Yarn looks for a project in the folders above
  await run(manager.install(join(folder, filename)))

  const { blocks } = readPages().find(({ path }) => path === 'README.md') ?? { blocks: [] }
  const programs = blocks.filter(({ language, file }) => file === undefined && ['ts', 'js'].includes(language))
  assert.ok(programs.length >= 3)
  for (const [index, { place, language, code }] of programs.entries()) {
    writeFileSync(join(project, `${index}.${language}`), code)
    const { output } = await run(`${manager.run} ${index}.${language}`)
    for (const line of promisedOutput(code)) {
      assert.ok(output.split('\n').includes(line), `${place} prints ${line}:\n${output}`)
    }
    console.log(`ok ${place}`)
  }

  if (!manager.cannot?.includes('require')) {
    writeFileSync(join(project, 'required.cjs'), `
      const app = require('fastify')()
      app.register(require('fastify-quickstart/params'))
      app.inject('/user/alice').then(({ body }) => console.log(body))`)
    assert.match((await run(`${manager.run} required.cjs`)).output, /^User alice$/m)
    console.log('ok require')
  }

  const { code: routes = '' } = programs.find(({ code }) => code.includes('function routes')) ?? {}
  writeFileSync(join(project, 'routes.js'), routes)
  const server = start(`${manager.command} --port 0 --routes ./routes.js`)
  const url = await server.findUrl()
  const answers = [['/', 'A HTML File from templates/'], ['/time', '"now":'], ['/user/alice', 'User alice']]
  for (const [path, text] of answers) {
    const answer = await fetch(url + path, { headers: { connection: 'close' } })
    assert.ok((await answer.text()).includes(text), path)
  }
  console.log('ok the command')
  const code = await server.stop()
  if (!manager.cannot?.includes('stop')) {
    assert.equal(code, 0, 'it ends well')
    console.log('ok the stop')
  }
} finally {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}

/** @param {string} command */
function start (command) {
  const env = {
    ...process.env,
    PATH: `${join(tools, 'node_modules', '.bin')}:${process.env.PATH}`,
    NODE_ENV: '',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' // its lock file is new
  }
  const child = spawn('sh', ['-c', `exec ${command}`], {
    cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true
  })
  running.add(child)
  const ended = once(child, 'close').then(([code]) => { running.delete(child); return /** @type {number} */ (code) })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk })
  return {
    end: async () => ({ code: await ended, output }),
    async findUrl () {
      for (let attempt = 0; attempt < 300 && running.has(child); attempt++) {
        const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
        if (url !== undefined) return url
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      throw new Error(`it does not listen:\n${output}`)
    },
    /** As Ctrl-C in a terminal does, which reaches the whole group. */
    async stop () {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
      return await ended
    }
  }
}

/** @param {string} command */
async function run (command) {
  const result = await start(command).end()
  assert.equal(result.code, 0, `${command}:\n${result.output}`)
  return result
}
