import proxyAddr from '@fastify/proxy-addr'
import type { FastifyInstance } from 'fastify'
import { isIP } from 'node:net'

/** Whose X-Forwarded-* headers count, as Fastify's option of that name. */
export type TrustProxy = boolean | string[]

/**
 * Creates the function that tells whether an address is a trusted proxy's. A Unix socket has no address; Fastify trusts
 * only `true` there.
 */
export function createProxyTest (trustProxy: TrustProxy): (address: string | undefined) => boolean {
  if (!Array.isArray(trustProxy)) return () => trustProxy
  const isTrusted = proxyAddr.compile(trustProxy)
  return (address = '') => isTrusted(address, 0)
}

/**
 * Returns the client's address: the last of a chain that is one. What a proxy passes on and is no address counts as the
 * proxy's own, so that nobody chooses the text that is counted and logged.
 *
 * @param chain the connection's address and those in X-Forwarded-For, the nearest first, as far as they are believed
 */
export function findClientAddress ([connection, ...forwarded]: readonly string[]): string | undefined {
  let client = connection
  for (const text of forwarded) {
    const address = readAddress(text)
    if (address === undefined) break
    client = address
  }
  return client
}

/** Some proxies add the port, and to an IPv6 address brackets. */
function readAddress (text: string): string | undefined {
  const [, ipv6, ipv4] = /^(?:\[(.+)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? []
  const address = ipv6 ?? ipv4 ?? text
  return isIP(address) === 0 ? undefined : address
}

/** Lets `request.ip` be an address, whatever a trusted proxy passes on. */
export function believeAddressesAlone (app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    // Fastify has the chain where it was told to trust somebody.
    if (request.ips !== undefined && isIP(request.ip) === 0) {
      Object.defineProperty(request, 'ip', { value: findClientAddress(request.ips) })
    }
    done()
  })
}
