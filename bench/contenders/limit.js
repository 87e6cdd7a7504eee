// Bare node:http, doing the least that gives the same bytes: what no framework on Node can be faster than.
import { createServer } from 'node:http'
import { pageData } from '../content.js'
import { job, listen } from './announce.js'

/** @type {{ status: number, headers: Record<string, string>, body: string } | undefined} */
const copied = job.copied
const headers = copied?.headers ?? {}
const body = Buffer.from(copied?.body ?? '', 'base64')
const text = body.toString()

/** @type {Record<string, import('node:http').RequestListener>} */
const topics = {
  hello: (request, response) => response.writeHead(200, headers).end('Hello World!'),
  static: (request, response) => response.writeHead(200, headers).end(body),
  unchanged: (request, response) => {
    const unchanged = request.headers['if-none-match'] === headers.etag
    response.writeHead(unchanged ? 304 : 200, headers).end()
  },
  page: (request, response) => response.writeHead(200, headers).end(page(pageData)),
  params: (request, response) => response.writeHead(200, headers).end(`User ${decodeURIComponent(/** @type {string} */ (request.url).slice('/user/'.length))}`),
  query: (request, response) => {
    const query = new URLSearchParams(/** @type {string} */ (request.url).slice('/search?'.length))
    response.writeHead(200, headers).end(JSON.stringify({ q: query.get('q'), page: Number(query.get('page')), tag: query.getAll('tag') }))
  },
  // As text: Node writes it together with the head.
  app: (request, response) => response.writeHead(200, headers).end(text),
  auth: (request, response) => response.writeHead(request.headers.authorization === job.authorization ? 200 : 401, headers).end('Come in')
}

/** @param {typeof pageData} data */
function page ({ title, items }) {
  let list = ''
  for (const { name, value } of items) list += `<li><b>${escape(name)}</b> ${value}</li>\n`
  return `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${escape(title)}</title></head>\n<body>\n<h1>${escape(title)}</h1>\n<ul>\n${list}</ul>\n</body>\n</html>\n`
}

const markup = /[&<>"']/g
/** @type {Record<string, string>} */
const escaped = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** @param {string} text */
function escape (text) {
  return text.replace(markup, (character) => escaped[character])
}

listen(createServer(topics[job.topic]))
