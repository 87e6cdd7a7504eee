import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {object} Contender
 * @property {string} label what the tables call it
 * @property {string} file its module in contenders/
 * @property {string[]} packages what its versions are read from
 * @property {string[][]} [programs] what must be on the PATH: each a command that prints a version
 */

/** @type {Record<string, Contender>} */
export const contenders = {
  limit: { label: 'node:http (the limit)', file: 'limit.js', packages: [] },
  fastify: { label: 'Fastify, bare', file: 'fastify.js', packages: ['fastify'] },
  quickstart: { label: 'fastify-quickstart', file: 'quickstart.js', packages: [] },
  official: { label: 'Fastify, official plugin', file: 'official.js', packages: ['@fastify/static', '@fastify/view', '@fastify/basic-auth', 'eta'] },
  sirv: { label: 'sirv', file: 'sirv.js', packages: ['sirv'] },
  express: { label: 'Express', file: 'express.js', packages: ['express', 'serve-static', 'ejs', 'express-basic-auth'] },
  hono: { label: 'Hono', file: 'hono.js', packages: ['hono', '@hono/node-server'] },
  'whole-fastify': {
    label: 'Fastify, put together by hand',
    file: 'whole-fastify.js',
    packages: [
      '@fastify/helmet', '@fastify/static', '@fastify/view', '@fastify/basic-auth', '@fastify/under-pressure', 'eta'
    ]
  },
  'whole-express': {
    label: 'Express, put together by hand',
    file: 'whole-express.js',
    packages: ['express', 'helmet', 'serve-static', 'ejs', 'express-basic-auth', 'morgan']
  },
  'whole-hono': {
    label: 'Hono, put together by hand', file: 'whole-hono.js', packages: ['hono', '@hono/node-server']
  },
  nginx: { label: 'nginx', file: 'nginx.js', packages: [], programs: [['nginx', '-v']] },
  flask: {
    label: 'Flask, gunicorn',
    file: 'flask.js',
    packages: [],
    programs: [['gunicorn', '--version'], ['python3', '-c', 'from importlib.metadata import version; print("flask", version("flask"))']]
  }
}

/** What this machine lacks, by the contender that needs it. @type {Map<string, string>} */
export const missing = new Map()

/** The versions of everything measured, by name. @type {Record<string, string>} */
export const versions = { node: process.versions.node }

for (const [id, { packages, programs = [] }] of Object.entries(contenders)) {
  const own = /** @type {Record<string, string>} */ ({})
  for (const name of packages) own[name] = versionOf(name)
  for (const [program, ...args] of programs) {
    const name = program === 'python3' ? 'flask' : program
    // nginx prints its version on the standard error.
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status === 0) own[name] = /\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? 'unknown'
    else missing.set(id, program === 'python3' ? 'Python has no Flask' : `${program} is not on the PATH`)
  }
  if (!missing.has(id)) Object.assign(versions, own)
}

/** @param {string} name */
function versionOf (name) {
  const require = createRequire(import.meta.url)
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')).version
    } catch {}
  }
  throw new Error(`${name} is not installed; run npm ci in ${dirname(fileURLToPath(import.meta.url))}`)
}
