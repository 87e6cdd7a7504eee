import type { FastifyBaseLogger } from 'fastify'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where metrics are served. */
export interface MetricsPlace {
  host: string
  /** 0 is any free port. */
  port: number
  /** The last of a range of ports, of which the first free one is taken. Default: the port alone. */
  lastPort?: number
}

/** A listener of its own, never the public one. */
export interface MetricsServer {
  close: () => Promise<void>
}

/** The text of all metrics, and its media type. */
export interface Metrics {
  contentType: string
  render: () => Promise<string>
}

/**
 * Serves metrics for Prometheus at `/metrics`. Where no port can be had, it says so in the log: a server without
 * metrics serves all the same.
 */
export async function serveMetrics (
  place: MetricsPlace,
  metrics: Metrics,
  log: FastifyBaseLogger
): Promise<MetricsServer> {
  const renderOnce = shareUnderWay(async () => await metrics.render())
  const server = createServer((request, answer) => {
    if (!/^\/metrics(?:\?|$)/.test(request.url!)) { // Node gives each request one
      answer.writeHead(404).end()
      return
    }
    renderOnce().then((text) => answer.setHeader('content-type', metrics.contentType).end(text), (error: unknown) => {
      log.error({ err: error }, 'the metrics could not be read')
      answer.writeHead(503).end()
    })
  })
  const failure = await listenInRange(server, place)
  if (failure === undefined) {
    const { port } = server.address() as AddressInfo // it listens on a port
    log.info(`metrics for Prometheus are served at http://${writeHostInUrl(place)}:${port}/metrics`)
  } else {
    const where = describeMetricsPlace(place)
    log.error(`QUICKSTART_METRICS: ${where} cannot be listened on (${failure}); there are no metrics`)
  }
  return {
    async close () {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** As the setting has it. */
export function describeMetricsPlace (place: MetricsPlace): string {
  return `${writeHostInUrl(place)}:${place.port}${place.lastPort === undefined ? '' : `-${place.lastPort}`}`
}

function writeHostInUrl ({ host }: MetricsPlace): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Listens on the first free port. Returns the system's error code where none can be had. */
export async function listenInRange (server: Server, place: MetricsPlace): Promise<string | undefined> {
  const { host, port, lastPort = port } = place
  try {
    server.listen(port, host)
    await once(server, 'listening')
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // a server that cannot listen says so with a system error
    if (code !== 'EADDRINUSE' || port >= lastPort) return code
    return await listenInRange(server, { host, port: port + 1, lastPort })
  }
}

/** Who asks while an answer is on its way gets that one: many scrapes at once must not hold the server up. */
function shareUnderWay<Answer> (ask: () => Promise<Answer>): () => Promise<Answer> {
  let underWay: Promise<Answer> | undefined
  return async () => {
    underWay ??= ask().finally(() => { underWay = undefined })
    return await underWay
  }
}
