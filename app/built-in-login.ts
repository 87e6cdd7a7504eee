import type { FastifyRequest } from 'fastify'
import { BlockList, isIPv6 } from 'node:net'
import { hash } from '../plugins/auth/index.js'
import type { UserLookup } from '../plugins/auth/index.js'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** What proxies add to a request that they pass on. */
const forwarding = /^(?:forwarded|via|x-forwarded-.+|x-real-ip|cf-connecting-ip|true-client-ip)$/

/**
 * The tutorial's login `admin` / `secret`, for requests from this machine alone: everybody knows it, and HOST may be
 * an address that others reach. Made for an app without users outside production.
 */
export async function builtInLogin (): Promise<UserLookup> {
  const secret = await hash('secret')
  return (name, request) => {
    if (name !== 'admin') return null
    if (isFromThisMachine(request)) return secret
    request.log.warn(
      { address: request.ip },
      'the built-in login works from this machine alone; set QUICKSTART_USERS_FILE to let others log in'
    )
    return null
  }
}

function isFromThisMachine ({ raw, headers }: FastifyRequest): boolean {
  const { remoteAddress } = raw.socket
  // A Unix socket has no address: what connects to it is a proxy.
  if (remoteAddress === undefined || Object.keys(headers).some((name) => forwarding.test(name))) return false
  return loopback.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')
}
