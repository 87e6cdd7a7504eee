import type { FastifyInstance } from 'fastify'
import { Server as HttpServer } from 'node:http'
import type { Http2Session } from 'node:http2'
import { Server as HttpsServer } from 'node:https'
import type { Server, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Connections } from './connections.ts'
import { prepareEachServer } from './each-server.ts'

/** How a server stops. */
export interface StopOptions {
  /** Seconds for which it goes on answering, with `Connection: close`, so that load balancers see it leave. */
  drainSeconds: number
  /** Seconds from the beginning of the stop to its end. What is not answered by then is cut. */
  graceSeconds: number
}

/** Milliseconds before the end of the grace at which what is left is cut: the app's own end takes a moment too. */
const lastMoment = 500

/** The servers, by app.server, of apps that stop. */
const stopping = new WeakSet<object>()
/** The servers in whose place another process listens already. */
const replaced = new WeakSet<object>()

/** Whether a health check is to send no more requests here. */
export function isLeaving ({ server }: FastifyInstance): boolean {
  return stopping.has(server) && !replaced.has(server)
}

/** Says that another process already listens in this one's place, so that its health stays good while it stops. */
export function leaveQuietly ({ server }: FastifyInstance): void {
  replaced.add(server)
}

/**
 * Makes `app.close()` lose no answer, whoever calls it, on each address that the app listens on:
 *
 * 1. For the drain time the server goes on as before, but the health is 503, and the last answer of each connection
 *    says `Connection: close`.
 * 2. It takes no new connections, and closes those that have no request under way, half-sent headers included.
 * 3. What is under way is answered whole, also to a slow reader: Node alone would cut an answer that is handed over
 *    and not yet sent. Then its connection is closed.
 * 4. What is left at the end of the grace is cut.
 *
 * Over HTTP/2 each session is told to close at step 2.
 *
 * The drain needs Fastify's option `return503OnClosing: false`, as `options` of app.ts has it.
 */
export function stopGently (app: FastifyInstance, { drainSeconds, graceSeconds }: StopOptions): void {
  const { log } = app
  const servers: Server[] = []
  const sockets = new Set<Socket>() // those without a TLS handshake too
  const connections = new Connections()
  const sessions = new Set<Http2Session>()
  prepareEachServer(app, (server) => {
    servers.push(server)
    keep(server, 'connection', sockets)
    if (speaksHttp1(server)) connections.watch(server)
    else keep(server, 'session', sessions)
  })

  async function drain (): Promise<void> {
    connections.announceEnd()
    // A worker that has been replaced is behind no load balancer, but its clients must learn of it all the same.
    const seconds = replaced.has(app.server) ? Math.max(1, drainSeconds) : drainSeconds
    if (seconds === 0) return
    log.info(`stopping: draining for ${seconds} s${isLeaving(app) ? ', GET /health answers 503' : ''}`)
    await wait(seconds * 1000)
  }

  function cut (): void {
    const late = connections.underWay
    if (late > 0) log.warn(`stopping: ${late} not answered within ${graceSeconds} s, cut`)
    for (const socket of sockets) socket.destroy()
  }

  let graceTimer: NodeJS.Timeout | undefined
  let othersClosed: Promise<unknown> | undefined
  app.addHook('preClose', async () => {
    if (!app.server.listening || stopping.has(app.server)) return
    stopping.add(app.server)
    graceTimer = setTimeout(cut, graceSeconds * 1000 - lastMoment)
    await drain()
    log.info(`stopping: no new connections; requests under way: ${connections.underWay}`)
    connections.closeWhenAnswered()
    for (const session of sessions) session.close()
    // Fastify closes app.server next, and the others not before that is closed.
    othersClosed = Promise.all(servers.filter((server) => server !== app.server).map(close))
  })
  app.addHook('onClose', async () => {
    if (othersClosed === undefined) return
    await othersClosed
    clearTimeout(graceTimer)
    log.info('stopping: stopped')
  })
}

function speaksHttp1 (server: Server): server is HttpServer {
  return server instanceof HttpServer || server instanceof HttpsServer
}

/** Keeps what a server opens for as long as it is open. */
function keep<Open extends Socket | Http2Session> (server: Server, event: string, open: Set<Open>): void {
  server.on(event, (opened: Open) => {
    open.add(opened)
    opened.once('close', () => open.delete(opened))
  })
}

function close (server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
