// Express 5 with the middleware its guide names: serve-static, EJS, express-basic-auth.
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import express from 'express'
import { pageData } from '../content.js'
import { job, listen } from './announce.js'

const app = express()

/** @type {Record<string, () => void | Promise<void>>} */
const topics = {
  hello: () => {
    app.get('/', (request, response) => { response.type('text/plain').set('x-content-type-options', 'nosniff').send('Hello World!') })
  },
  static: () => {
    app.use('/static', express.static(job.root, { cacheControl: false, setHeaders: (response) => response.setHeader('cache-control', 'no-cache') }))
  },
  page: () => {
    app.set('views', job.views).set('view engine', 'ejs')
    app.get('/', (request, response) => response.render('page', pageData))
  },
  params: () => {
    app.get('/user/:username', (request, response) => { response.type('text/plain').set('x-content-type-options', 'nosniff').send(`User ${request.params.username}`) })
  },
  // It has no schemas: checked by hand.
  query: () => {
    app.get('/search', (request, response) => {
      const { q = '', page: given = '1', tag = [] } = request.query
      const page = Number(given)
      if (!Number.isInteger(page) || page < 1) {
        response.status(400).send('page must be an integer from 1 on')
        return
      }
      response.set('x-content-type-options', 'nosniff').json({ q, page, tag: [tag].flat() })
    })
  },
  auth: async () => {
    const { default: basicAuth } = await import('express-basic-auth')
    const users = Object.fromEntries(readFileSync(job.users.plain, 'utf8').trim().split('\n').map((line) => line.split(':')))
    app.get('/guarded', basicAuth({ users, challenge: true, realm: 'Login Required' }), (request, response) => { response.type('text/plain').send('Come in') })
  }
}
topics.unchanged = topics.static

await topics[job.topic]()
listen(createServer(app))
