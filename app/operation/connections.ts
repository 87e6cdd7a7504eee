import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'

/** An open connection. */
interface Connection {
  /** How many answers are not sent whole yet. */
  underWay: number
  /** The answer to the newest request, while any is under way. */
  newest?: ServerResponse | undefined
  /** No request has come yet. */
  isFresh: boolean
  /** To be called when one of its answers is sent, or cut: one function for all, since one for each would cost time. */
  settle: () => void
  /** The answer that says `Connection: close`. */
  last?: ServerResponse
}

/** Milliseconds that a connection has at the end for its first request, which may be on its way. */
const firstPatience = 500

/** The open HTTP/1 connections of an app, over all its servers, and how they end. */
export class Connections {
  readonly #connections = new Map<Socket, Connection>()
  #isEnding = false
  #isClosing = false

  /** Follows the connections of a server from here on. */
  watch (server: Server): void {
    server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#connections.set(socket, this.#open(socket))
      socket.once('close', () => this.#connections.delete(socket))
    })
    server.prependListener('request', (request: IncomingMessage, answer: ServerResponse) => {
      this.#follow(request.socket, answer)
    })
    // server.close() calls this. Node's own takes a connection for idle while an answer is still on its way.
    server.closeIdleConnections = () => this.#closeIdle()
  }

  /** How many answers are not sent whole yet. */
  get underWay (): number {
    return [...this.#connections.values()].reduce((sum, { underWay }) => sum + underWay, 0)
  }

  /** From here on the newest answer of each connection says that it is the last. */
  announceEnd (): void {
    this.#isEnding = true
    for (const connection of this.#connections.values()) announceLast(connection)
  }

  /** From here on each connection is closed when all its answers are sent. */
  closeWhenAnswered (): void {
    this.#isClosing = true
  }

  #open (socket: Socket): Connection {
    const connection: Connection = {
      underWay: 0,
      isFresh: true,
      settle: () => {
        connection.underWay--
        if (connection.underWay > 0) return
        connection.newest = undefined
        if (this.#isClosing) socket.end(() => socket.destroy())
      }
    }
    return connection
  }

  #follow (socket: Socket, answer: ServerResponse): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined) return // handed on by another server, as on a serverless platform
    connection.isFresh = false
    connection.underWay++
    connection.newest = answer
    if (this.#isEnding) announceLast(connection)
    answer.on('close', connection.settle)
  }

  #closeIdle (): void {
    for (const [socket, connection] of this.#connections) {
      if (connection.isFresh) setTimeout(() => { if (connection.underWay === 0) socket.destroy() }, firstPatience)
      else if (connection.underWay === 0) socket.destroy()
    }
  }
}

/**
 * Lets the newest answer say `Connection: close`, and no earlier one: after an answer that says so, Node ends the
 * connection, and those to further pipelined requests are lost (RFC 9112 section 9.6).
 */
function announceLast (connection: Connection): void {
  const { newest, last } = connection
  if (newest === undefined || newest === last) return
  if (last !== undefined && !last.headersSent) last.setHeader('connection', 'keep-alive')
  if (!newest.headersSent) newest.setHeader('connection', 'close')
  connection.last = newest
}
