// sirv in its production mode, where it looks up the folder once, at the start.
import { createServer } from 'node:http'
import sirv from 'sirv'
import { job, listen } from './announce.js'

const serve = sirv(job.root, { dev: false, etag: true, brotli: job.compressed, gzip: job.compressed, setHeaders: (response) => response.setHeader('cache-control', 'no-cache') })

listen(createServer((request, response) => {
  request.url = /** @type {string} */ (request.url).slice('/static'.length)
  serve(request, response, () => response.writeHead(404).end())
}))
