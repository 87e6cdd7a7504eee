import proxyAddr from '@fastify/proxy-addr'

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
