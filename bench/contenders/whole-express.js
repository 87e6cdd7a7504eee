// The root app's answers, put together from Express and the middleware that its guide names.
import { createServer } from 'node:http'
import express from 'express'
import basicAuth from 'express-basic-auth'
import helmet from 'helmet'
import morgan from 'morgan'
import { job, listen } from './announce.js'
import { readUsers } from './plain-passwords.js'

const app = express()
if (job.log === true) app.use(morgan('combined'))
app.use(helmet())
app.use('/static', express.static(job.publicFolder, {
  cacheControl: false,
  setHeaders: (response) => response.setHeader('cache-control', 'no-cache')
}))
app.set('views', job.ejsFolder).set('view engine', 'ejs')

/** The data that each page is rendered with. */
const page = { ...job.page, user: null, asset: (/** @type {string} */ name) => `/static/${name}` }
const users = Object.fromEntries(readUsers(job.users.plain))

app.get('/hello', (request, response) => { response.type('text/plain').send('Hello World!') })
app.get('/', (request, response) => response.render('index', { ...page, here: request.originalUrl }))
app.get('/secret', basicAuth({ users, challenge: true, realm: 'Login Required' }), (request, response) => {
  const { user } = /** @type {any} */ (request).auth
  response.render('secret', { ...page, here: request.originalUrl, user: { name: user } })
})
app.get('/user/:username', (request, response) => { response.type('text/plain').send(`User ${request.params.username}`) })
listen(createServer(app))
