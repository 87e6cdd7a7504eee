// The root app's answers, put together from Hono and its own middleware, on Node.
import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { html } from 'hono/html'
import { secureHeaders } from 'hono/secure-headers'
import { announce, job } from './announce.js'
import { readUsers } from './plain-passwords.js'

const { home, login, logout, map, cards } = job.page
const users = Array.from(readUsers(job.users.plain), ([username, password]) => ({ username, password }))

/** @type {Hono<{ Variables: { user: string } }>} */
const app = new Hono()

app.use(secureHeaders({
  // It has no policy by default. This is helmet's.
  contentSecurityPolicy: {
    defaultSrc: ["'self'"],
    baseUri: ["'self'"],
    fontSrc: ["'self'", 'https:', 'data:'],
    formAction: ["'self'"],
    frameAncestors: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    objectSrc: ["'none'"],
    scriptSrc: ["'self'"],
    scriptSrcAttr: ["'none'"],
    styleSrc: ["'self'", 'https:', "'unsafe-inline'"],
    upgradeInsecureRequests: []
  }
}))
app.use('/static/*', serveStatic({
  root: job.publicFolder,
  rewriteRequestPath: (path) => path.slice('/static'.length),
  onFound: (path, context) => { context.header('cache-control', 'no-cache') }
}))
app.use('/secret', basicAuth({
  ...users[0],
  realm: 'Login Required',
  onAuthSuccess: (context, name) => { context.set('user', name) }
}, ...users.slice(1)))

app.get('/hello', (context) => context.text('Hello World!'))
app.get('/', (context) => context.html(layout('Quick start', context.req.path, undefined, index())))
app.get('/secret', (context) => {
  const user = context.get('user')
  return context.html(layout('Secret page', context.req.path, user, secret(user)))
})
app.get('/user/:username', (context) => context.text(`User ${context.req.param('username')}`))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => announce(port))

/**
 * views/layout.eta of the suite.
 *
 * @param {string} title
 * @param {string} here
 * @param {string | undefined} user
 * @param {unknown} body
 */
function layout (title, here, user, body) {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title}</title>
  <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/style.css">
</head>
<body>
  <a class="skip" href="#main">Skip to the content</a>
  <header>
    <p class="brand"><a href="${home}">fastify-quickstart</a></p>
    ${user === undefined
      ? html`<p class="user"><a href="${login}?back=${encodeURIComponent(here)}">Log in</a></p>`
      : html`<p class="user">Logged in as <strong>${user}</strong>, <a href="${logout}">Log out</a></p>`}
  </header>
  <main id="main">
${body}
  </main>
</body>
</html>
`
}

/** views/index.eta of the suite. */
function index () {
  return html`<hgroup>
  <p class="title">Your web app is running</p>
  <h1>A HTML File from templates/</h1>
</hgroup>
<p class="lead">Each card is one topic of the quick start: what it does, something to try, and the file to read.
<a href="${map}">How the code tells it</a> is the map of all files.</p>

<ul class="cards">
  ${cards.map((/** @type {any} */ card) => html`<li class="card" id="${card.topic}">
    <h2>${card.title}</h2>
    <p>${card.text}</p>
    <ul class="trials">
      ${card.trials.map((/** @type {any} */ trial) => html`<li>
        ${trial.field === undefined ? link(trial) : form(card, trial)}
      </li>
      `)}
    </ul>
    <p class="source">Source: <a href="${card.source.href}"><code>${card.source.name}</code></a></p>
  </li>
  `)}
</ul>

<h2>Your own pages</h2>
<p>Put your routes into <code>routes.ts</code>, your views into <code>views/</code> and your files into <code>public/</code>.
Without a clone, <code>npx fastify-quickstart --routes ./routes.js</code> takes any file of routes.</p>

<script src="/static/app.js" defer></script>`
}

/** @param {any} trial */
function link ({ href, label }) {
  return html`<a href="${href}">${label}</a> <code>${href}</code>`
}

/**
 * @param {any} card
 * @param {any} trial
 */
function form ({ topic }, { href, label, field }) {
  return html`<form method="post" action="${href}">
          <label for="${topic}-${field.name}">${field.label}</label>
          <input type="text" id="${topic}-${field.name}" name="${field.name}" value="${field.value}" autocomplete="off" required>
          <button type="submit">${label}</button>
        </form>`
}

/** views/secret.eta of the suite. @param {string} user */
function secret (user) {
  return html`<h1>The secret page</h1>
<p class="lead">Welcome, <strong>${user}</strong>. Only somebody who is logged in can read this.</p>
<p><a href="${home}">Back to the index page</a></p>`
}
