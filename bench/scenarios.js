import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { login, pageData } from './content.js'
import { createAppJob, readAppPage, rootApp } from './root-app.js'

/** @typedef {import('./fixtures.js').Fixtures} Fixtures */
/** @typedef {import('./contender-process.js').Answer} Answer */

/**
 * @typedef {object} Entry one contender in one scenario
 * @property {string} id what the results call it
 * @property {string} [as] which contender it is, where the id does not say it
 * @property {string} [label] what the tables call it, where it is not the contender's own label
 * @property {object} [job] what is particular to it
 * @property {number} [connections] fewer than others have, for one that takes long over each answer
 * @property {string[]} [lacks] header fields that it cannot be made to send
 * @property {boolean} [isCopy] sends what the suite was seen to send: each field, each byte
 * @property {boolean} [extra] a peer alone, of which no target speaks: fewer rounds will do
 */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} title
 * @property {boolean} quick whether it is part of a quick run
 * @property {(fixtures: Fixtures) => Promise<import('./contender-process.js').Job>} job
 * @property {string} path
 * @property {Record<string, string>} [headers] of the request
 * @property {boolean} [conditional] asks again with the validator that the first answer gave
 * @property {number} [status] that is expected. Default 200
 * @property {(fixtures: Fixtures) => Promise<Buffer | string>} [body] that is expected. Default: what the suite answers
 * @property {(body: Buffer) => Buffer | string} [read] what to compare of the body. Default: all of it
 * @property {Record<string, RegExp>} answerHeaders that are expected
 * @property {Entry[]} entries the suite's own first
 * @property {Record<string, string>} [absent] contenders that cannot take part, and why
 */

const text = { 'content-type': /^text\/plain; ?charset=utf-8$/i, 'x-content-type-options': /^nosniff$/ }
const javascript = { 'content-type': /^(text|application)\/javascript; ?charset=utf-8$/i, 'content-length': /^\d+$/, 'cache-control': /^no-cache$/, etag: /^(W\/)?"[^"]+"$/ }
export const authorization = `Basic ${Buffer.from(`${login.name}:${login.password}`).toString('base64')}`

/** No target speaks of these. */
const peers = [{ id: 'express', extra: true }, { id: 'hono', extra: true }, { id: 'nginx', extra: true }, { id: 'flask', extra: true }]
const peersWithoutNginx = peers.filter(({ id }) => id !== 'nginx')
const noApplication = { nginx: 'it runs no application code' }

/** What is asked, and what is expected, where the page is the answer. */
const answersPage = {
  path: '/',
  body: async () => readPage(Buffer.from(page)),
  read: readPage,
  answerHeaders: { 'content-type': /^text\/html; ?charset=utf-8$/i }
}

/** @type {Entry[]} */
const staticEntries = [
  { id: 'quickstart' },
  { id: 'limit' },
  { id: 'fastify' },
  { id: 'official' },
  { id: 'sirv', lacks: ['charset'] },
  { id: 'express', extra: true },
  { id: 'hono', extra: true, lacks: ['etag', 'content-length'] },
  { id: 'nginx', extra: true },
  { id: 'flask', extra: true }
]

/**
 * @param {string} name
 * @param {string} title
 * @param {boolean} quick
 * @param {(fixtures: Fixtures) => Promise<string>} folder
 * @param {string} file
 * @returns {Scenario}
 */
function staticFile (name, title, quick, folder, file) {
  return {
    name,
    title,
    quick,
    job: async (fixtures) => ({ topic: 'static', root: await folder(fixtures) }),
    path: `/static/${file}`,
    body: async (fixtures) => await readFile(join(await folder(fixtures), file)),
    answerHeaders: javascript,
    entries: staticEntries
  }
}

/**
 * @param {string} name
 * @param {string} title
 * @param {boolean} quick
 * @param {number} users
 * @param {Entry[]} entries
 * @returns {Scenario}
 */
function repeatLogin (name, title, quick, users, entries) {
  return {
    name,
    title,
    quick,
    job: async (fixtures) => ({ topic: 'auth', users: await fixtures.users(users), authorization }),
    path: '/guarded',
    headers: { authorization },
    body: async () => 'Come in',
    answerHeaders: { 'content-type': text['content-type'] },
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart, map (argon2id)', job: { usersAs: 'map' } },
      { id: 'quickstart-file', as: 'quickstart', label: 'fastify-quickstart, htpasswd file (argon2id)', job: { usersAs: 'htpasswd' } },
      { id: 'limit' },
      { id: 'fastify', label: 'Fastify, bare and unguarded' },
      { id: 'official', label: 'Fastify, @fastify/basic-auth (plain text)' },
      ...entries
    ]
  }
}

/**
 * The root app with all topics, beside others that answer the same pages.
 *
 * @param {string} name
 * @param {string} title
 * @param {boolean} quick
 * @param {Pick<Scenario, 'path' | 'headers' | 'read' | 'body'> & { type: RegExp, isFile?: boolean }} asked
 * @returns {Scenario}
 */
function wholeApp (name, title, quick, { type, isFile = false, ...asked }) {
  return {
    name,
    title: `the whole app, ${title}`,
    quick,
    job: createAppJob,
    ...asked,
    answerHeaders: {
      'content-type': type,
      'content-security-policy': /default-src 'self'/,
      'referrer-policy': /./,
      'x-content-type-options': /^nosniff$/,
      'x-frame-options': /^SAMEORIGIN$/i,
      ...(isFile && { 'cache-control': /^no-cache$/, etag: javascript.etag })
    },
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart, the root app' },
      { id: 'limit', isCopy: true },
      { id: 'fastify', isCopy: true },
      { id: 'whole-fastify' },
      { id: 'whole-express' },
      { id: 'whole-hono', lacks: isFile ? ['etag'] : [] }
    ]
  }
}

const hello = { path: '/hello', type: text['content-type'], body: async () => 'Hello World!' }
const htmlPage = { type: answersPage.answerHeaders['content-type'], read: readAppPage }

/** @type {Scenario[]} */
const wholeApps = [
  wholeApp('root-hello', 'one line of text', true, hello),
  wholeApp('root-static', 'a small file', false, {
    path: '/static/app.js',
    type: javascript['content-type'],
    isFile: true,
    body: async () => await readFile(join(rootApp.publicFolder, 'app.js'))
  }),
  wholeApp('root-page', 'its index page', true, { path: '/', ...htmlPage }),
  wholeApp('root-params', 'a parameter in the path', false, {
    path: '/user/alice', type: text['content-type'], body: async () => 'User alice'
  }),
  wholeApp('root-login', 'a page behind a login that is remembered', false, {
    path: '/secret', headers: { authorization }, ...htmlPage
  }),
  {
    ...wholeApp('root-log', 'one line of text, with the log at info into /dev/null', false, hello),
    job: async (fixtures) => ({ ...await createAppJob(fixtures), log: true }),
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart, the root app, one line each' },
      { id: 'fastify', label: 'Fastify, bare, its own two lines each', isCopy: true },
      { id: 'whole-fastify', label: 'Fastify, put together, its own two lines each' },
      { id: 'whole-express', label: 'Express, put together, morgan' }
    ]
  }
]

const plainPeers = [
  { id: 'express', label: 'Express, express-basic-auth (plain text)', extra: true },
  { id: 'hono', label: 'Hono, basicAuth (plain text)', extra: true },
  { id: 'nginx', label: 'nginx (bcrypt at each request)', extra: true, connections: 1 },
  { id: 'flask', label: 'Flask, gunicorn (plain text)', extra: true }
]

/** @type {Scenario[]} */
export const scenarios = [
  ...wholeApps,
  {
    name: 'hello',
    title: 'Hello World!',
    quick: true,
    job: async () => ({ topic: 'hello' }),
    path: '/',
    body: async () => 'Hello World!',
    answerHeaders: text,
    entries: [{ id: 'quickstart' }, { id: 'limit' }, { id: 'fastify' }, ...peers]
  },
  staticFile('static-small', 'static file of 1 kB', true, (fixtures) => fixtures.files(), 'small.js'),
  staticFile('static-large', 'static file of 100 kB', false, (fixtures) => fixtures.files(), 'large.js'),
  {
    ...staticFile('static-br', 'static file of 100 kB, Accept-Encoding: br', false, (fixtures) => fixtures.files(), 'large.js'),
    job: async (fixtures) => ({ topic: 'static', root: await fixtures.files(), compressed: true }),
    headers: { 'accept-encoding': 'br' },
    read: brotliDecompressSync,
    answerHeaders: { ...javascript, 'content-encoding': /^br$/, vary: /accept-encoding/i },
    entries: staticEntries.filter(({ id }) => !['express', 'nginx', 'flask'].includes(id)),
    absent: { express: 'serve-static sends no compressed files', nginx: 'its module for br is not part of it', flask: 'it sends no compressed files' }
  },
  staticFile('static-5000', 'static file of 1 kB, one of 5,000 in a folder', false, (fixtures) => fixtures.manyFiles(5000), '2500.js'),
  {
    ...staticFile('static-304', 'static file of 1 kB, not modified', false, (fixtures) => fixtures.files(), 'small.js'),
    job: async (fixtures) => ({ topic: 'unchanged', root: await fixtures.files() }),
    conditional: true,
    status: 304,
    body: async () => '',
    answerHeaders: { etag: javascript.etag },
    // sirv leaves out of its 304 what RFC 9110 section 15.4.5 asks for.
    entries: staticEntries.map((entry) => ({ ...entry, lacks: entry.id === 'sirv' ? ['etag'] : [] }))
  },
  {
    name: 'page',
    title: 'page with a layout, a loop and ten values',
    quick: true,
    job: async (fixtures) => ({ topic: 'page', views: await fixtures.views(), pageData }),
    ...answersPage,
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart, reply.render' },
      { id: 'limit', label: 'node:http, strings put together by hand' },
      { id: 'fastify', label: 'Fastify, bare, eta.render' },
      { id: 'official', label: 'Fastify, @fastify/view, viewAsync (Eta)' },
      { id: 'express', label: 'Express, EJS', extra: true },
      { id: 'hono', label: 'Hono, html', extra: true },
      { id: 'flask', label: 'Flask, gunicorn, Jinja', extra: true }
    ],
    absent: noApplication
  },
  {
    name: 'page-context',
    title: 'the same page, with the option context and a user',
    quick: false,
    job: async (fixtures) => ({ topic: 'page', views: await fixtures.views(), hasContext: true }),
    ...answersPage,
    entries: [
      { id: 'quickstart', label: 'fastify-quickstart, reply.render' },
      { id: 'fastify', label: 'Fastify, bare, eta.render' }
    ],
    absent: noApplication
  },
  {
    name: 'params',
    title: 'parameter in the path',
    quick: true,
    job: async () => ({ topic: 'params' }),
    path: '/user/alice',
    body: async () => 'User alice',
    answerHeaders: text,
    entries: [{ id: 'quickstart' }, { id: 'limit' }, { id: 'fastify', label: 'Fastify, bare, same schema' }, ...peersWithoutNginx],
    absent: noApplication
  },
  {
    name: 'query',
    title: 'query with defaults and coercion',
    quick: false,
    job: async () => ({ topic: 'query' }),
    path: '/search?q=fish&page=2&tag=a&tag=b',
    body: async () => JSON.stringify({ q: 'fish', page: 2, tag: ['a', 'b'] }),
    read: (body) => {
      const { q, page, tag } = JSON.parse(body.toString())
      return JSON.stringify({ q, page, tag })
    },
    answerHeaders: { 'content-type': /^application\/json/, 'x-content-type-options': /^nosniff$/ },
    entries: [{ id: 'quickstart' }, { id: 'limit' }, { id: 'fastify', label: 'Fastify, bare, same schema' }, ...peersWithoutNginx],
    absent: noApplication
  },
  repeatLogin('auth', 'repeated login, 1 user', true, 1, [
    { id: 'official-hashed', as: 'official', label: 'Fastify, @fastify/basic-auth (argon2id at each request)', job: { hashed: true }, connections: 1, extra: true },
    ...plainPeers
  ]),
  repeatLogin('auth-1000', 'repeated login, 1,000 users', false, 1000, []),
  // The peers look through all users at each request.
  {
    ...repeatLogin('auth-100000', 'repeated login, 100,000 users', false, 100_000, plainPeers
      .filter(({ id }) => id !== 'hono')
      .map((entry) => entry.id === 'flask' ? entry : { ...entry, connections: 1 })),
    absent: { hono: 'it hashes every user’s name and password at each request, and takes several seconds over an answer' }
  }
]

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${pageData.title}</title></head>
<body>
<h1>${pageData.title}</h1>
<ul>
${pageData.items.map(({ name, value }) => `<li><b>${name.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</b> ${value}</li>\n`).join('')}</ul>
</body>
</html>
`

/** The page, whatever line breaks the language of the templates leaves between its lines. @param {Buffer} body */
function readPage (body) {
  return body.toString().replace(/\s*\n\s*/g, '\n').trim()
}
