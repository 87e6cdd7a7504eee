import type { FastifyReply } from 'fastify'
import { escapeControls } from '../../lib/escape-controls.ts'

/** Where lines go: standard output or standard error. */
interface Output { write: (text: string) => unknown }

/** A line of Fastify's log, as pino writes it. */
interface Entry {
  level: number
  time: number
  msg?: string
  reqId?: string
  err?: { stack?: string }
  req?: { method: string, url: string }
  res?: Answer
  responseTime?: number
  statusCode?: number
  reason?: string
}

/** The part of an answer that is logged. */
type Answer = {
  statusCode: number
  method?: string
  url?: string
  /** A file that a page loads, such as a style sheet. */
  isAsset: boolean
}

const levels: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

/** Fields that Fastify adds to each line and nobody needs while developing. */
const omitted = new Set(['level', 'time', 'pid', 'hostname', 'reqId', 'msg', 'err', 'req'])

/**
 * Creates logger options for development: text instead of JSON, one short line for a request, none for the files that a
 * page loads.
 *
 * @param omit messages that whoever starts the server says in another way
 */
export function createDevelopmentLog (output: Output, omit = /^Server listening at /) {
  /** Requests whose refusal is written, which says more than that they were completed. */
  const refused = new Set<string>()

  function describe (entry: Entry): string | undefined {
    const { level, msg = '', reqId = '', req, res, responseTime = 0, statusCode, reason } = entry
    const isAsset = res !== undefined && res.isAsset && res.statusCode < 400 && level <= 30
    if (isAsset || omit.test(msg)) return undefined
    switch (msg) {
      case 'incoming request': return undefined
      case 'the request was refused':
        if (refused.size > 1000) refused.clear() // what the router refuses is never completed
        refused.add(reqId)
        return `${statusCode} ${req?.method} ${req?.url}: ${reason}`
      case 'request completed':
        if (refused.delete(reqId)) return undefined
        return `${res?.statusCode} ${res?.method} ${res?.url} ${responseTime.toFixed(0)} ms`
      case 'stream closed prematurely':
        return `${res?.statusCode} ${res?.method} ${res?.url}: not sent whole`
    }
    const more = Object.entries(entry).filter(([name]) => !omitted.has(name))
      .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    const what = req === undefined ? msg : `${req.method} ${req.url}: ${msg}`
    return `${level === 30 ? '' : `${levels[level] ?? level}: `}${what}${more.join('')}`
  }

  const stream = {
    write (line: string): void {
      const entry = JSON.parse(line) as Entry // pino writes one object a line
      const text = describe(entry)
      if (text === undefined) return
      const time = new Date(entry.time).toTimeString().slice(0, 8)
      output.write(`${time} ${escapeControls(text)}\n${indentStack(entry.err?.stack ?? '')}`)
    }
  }
  return { stream, serializers: { res: describeAnswer } }
}

/** No line of an error's text is taken for a line of the log. */
function indentStack (stack: string): string {
  return stack.split('\n').filter((line) => line !== '').map((line) => `  ${escapeControls(line)}\n`).join('')
}

/** Request and reply of what the router refuses lack most fields. */
function describeAnswer ({ statusCode, request }: Partial<FastifyReply> & Pick<FastifyReply, 'statusCode'>): Answer {
  const answeredBy = request?.routeOptions.config?.answeredBy
  return {
    statusCode,
    method: request?.method,
    url: request?.url,
    isAsset: answeredBy === 'static' || answeredBy === 'reload'
  }
}
