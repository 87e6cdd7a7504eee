import type { FastifyInstance } from 'fastify'
import { Server, type ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** How a server stops. */
export interface StopOptions {
  /** Seconds for which it goes on answering, with `Connection: close`, so that load balancers see it leave. */
  drainSeconds: number
  /** Seconds from the beginning of the stop to its end. What is not answered by then is cut. */
  graceSeconds: number
}

/** Where a server keeps how far it is with stopping. */
const phase = Symbol('fastify-quickstart.stopping')
/** Where a server keeps that another process has taken its place already. */
const replaced = Symbol('fastify-quickstart.replaced')

declare module 'node:http' {
  interface Server {
    [phase]?: 'draining' | 'closing'
    [replaced]?: true
  }
}

/** Whether a health check is to send no more requests here. */
export function isLeaving ({ server }: FastifyInstance): boolean {
  return server[phase] !== undefined && server[replaced] === undefined
}

/** Says that another process already listens in this one's place, so that its health stays good while it stops. */
export function leaveQuietly (server: Server): void {
  server[replaced] = true
}

/** Milliseconds before the end of the grace at which what is left is cut: the app's own end takes a moment too. */
const lastMoment = 500

/** Milliseconds that a connection has at the end for its first request, which may be on its way. */
const firstPatience = 500

/** An open connection. */
interface Connection {
  /** What it waits for. */
  answers: Set<ServerResponse>
  /** Whether it has had no request yet. */
  isFresh: boolean
}

/**
 * Makes `app.close()` lose no answer, whoever calls it:
 *
 * 1. For the drain time the server goes on as before, but the health is 503 and each answer says `Connection: close`.
 * 2. It takes no new connections, and closes those that have no request under way, half-sent headers included.
 * 3. What is under way is answered whole, also to a slow reader: Node alone would cut an answer that is handed over
 *    and not yet sent. Then its connection is closed.
 * 4. What is left at the end of the grace is cut.
 *
 * The drain needs Fastify's option `return503OnClosing: false`, as `options` of app.ts has it.
 */
export function stopGently (app: FastifyInstance, { drainSeconds, graceSeconds }: StopOptions): void {
  const { server, log } = app
  const sockets = new Set<Socket>() // those without a TLS handshake too
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const isOverTls = server instanceof HttpsServer
  if (!isOverTls && !(server instanceof Server)) return closeSessions(app, sockets, graceSeconds)

  const connections = new Map<Socket, Connection>()
  server.on(isOverTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections.set(socket, { answers: new Set(), isFresh: true })
    socket.once('close', () => connections.delete(socket))
  })
  server.prependListener('request', ({ socket }, answer) => {
    const connection = connections.get(socket)
    if (connection === undefined) return // handed on by another server, as on a serverless platform
    connection.isFresh = false
    connection.answers.add(answer)
    if (server[phase] !== undefined) answer.setHeader('connection', 'close')
    answer.once('close', () => {
      connection.answers.delete(answer)
      if (server[phase] === 'closing' && connection.answers.size === 0) socket.end(() => socket.destroy())
    })
  })
  // server.close() calls this. Node's own takes a connection for idle while an answer is still on its way.
  server.closeIdleConnections = () => {
    for (const [socket, { answers, isFresh }] of connections) {
      if (isFresh) setTimeout(() => { if (answers.size === 0) socket.destroy() }, firstPatience)
      else if (answers.size === 0) socket.destroy()
    }
  }

  let graceTimer: NodeJS.Timeout | undefined
  app.addHook('preClose', async () => {
    if (!server.listening || server[phase] !== undefined) return
    graceTimer = setTimeout(() => {
      const late = underWay(connections).length
      if (late > 0) log.warn(`stopping: ${late} not answered within ${graceSeconds} s, cut`)
      for (const socket of sockets) socket.destroy()
    }, graceSeconds * 1000 - lastMoment)

    server[phase] = 'draining'
    for (const answer of underWay(connections)) if (!answer.headersSent) answer.setHeader('connection', 'close')
    // A worker that has been replaced is behind no load balancer, but its clients must learn of it all the same.
    const seconds = server[replaced] === undefined ? drainSeconds : Math.max(1, drainSeconds)
    if (seconds > 0) {
      const health = isLeaving(app) ? ', GET /health answers 503' : ''
      log.info(`stopping: draining for ${seconds} s${health}`)
      await wait(seconds * 1000)
    }
    server[phase] = 'closing'
    log.info(`stopping: no new connections; requests under way: ${underWay(connections).length}`)
  })
  app.addHook('onClose', async () => {
    clearTimeout(graceTimer)
    if (server[phase] !== undefined) log.info('stopping: stopped')
  })
}

/**
 * Over HTTP/2 each session is told to close: it takes no new requests and answers those under way. What is left at the
 * end of the grace is cut.
 */
function closeSessions (app: FastifyInstance, sockets: ReadonlySet<Socket>, graceSeconds: number): void {
  const sessions = new Set<Http2Session>()
  app.server.on('session', (session: Http2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  let graceTimer: NodeJS.Timeout | undefined
  app.addHook('preClose', async () => {
    graceTimer = setTimeout(() => { for (const socket of sockets) socket.destroy() }, graceSeconds * 1000 - lastMoment)
    for (const session of sessions) session.close()
  })
  app.addHook('onClose', async () => clearTimeout(graceTimer))
}

function underWay (connections: ReadonlyMap<Socket, Connection>): ServerResponse[] {
  return [...connections.values()].flatMap(({ answers }) => [...answers])
}
