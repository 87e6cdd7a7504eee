import { lookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'

/** A host, by name or address, and a port. */
interface NetworkPlace { host: string, port: number }

/** Whether two servers could not both listen there: it is one port, and one address, however that is written. */
export async function isSamePlace (one: NetworkPlace, other: NetworkPlace): Promise<boolean> {
  if (one.port !== other.port || one.port === 0) return false // 0 is any free port, for each its own
  const [addresses, others] = await Promise.all([one.host, other.host].map(findAddresses))
  return addresses!.some((address) => others!.some((another) => covers(address, another) || covers(another, address)))
}

/** Whether who listens on an address takes connections to another. `::` takes those over IPv4, too. */
function covers (listening: string, address: string): boolean {
  return listening === address || listening === '::' || (listening === '0.0.0.0' && !address.includes(':'))
}

/** Returns the addresses that a host stands for, each in one spelling; none for a name that is not known. */
async function findAddresses (host: string): Promise<string[]> {
  if (/^localhost\.?$/i.test(host)) return ['127.0.0.1', '::1']
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address }) => ipaddr.process(address).toString()) // an IPv4 address mapped into IPv6 is that one
}
