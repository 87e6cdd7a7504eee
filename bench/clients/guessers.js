// Clients that guess passwords as fast as they can, each on a connection of its own, half of them for a name that
// exists. Prints how many answers of each status they had, as JSON. Arguments: port, seconds, connections, addresses
// (one | many).
import { request, Agent } from 'node:http'
import { setPriority } from 'node:os'
import { login } from '../content.js'

const [port, seconds, connections, addresses] = process.argv.slice(2)
const until = performance.now() + Number(seconds) * 1000
/** @type {Record<string, number>} */
const statuses = {}

// They share a core with the client whose waiting is measured, and must not be what it waits for.
setPriority(19)

await Promise.all(Array.from({ length: Number(connections) }, (_, index) => guess(index)))
process.stdout.write(JSON.stringify(statuses))

/** @param {number} guesser */
async function guess (guesser) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  // All of 127.0.0.0/8 is this machine on Linux; elsewhere they share one address.
  const localAddress = process.platform === 'linux' ? `127.0.${addresses === 'many' ? 2 + guesser : 1}.1` : undefined
  for (let number = 0; performance.now() < until; number++) {
    const name = guesser % 2 === 0 ? login.name : `nobody-${guesser}-${number}`
    const authorization = `Basic ${Buffer.from(`${name}:guess ${guesser} ${number}`).toString('base64')}`
    const status = await new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port, path: '/guarded', headers: { authorization }, agent, localAddress }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode))
      })
      asked.once('error', () => resolve('no answer'))
      // Whoever lets a guesser wait past the end of the run has given it nothing.
      asked.setTimeout(Math.max(1, until - performance.now() + 200), () => asked.destroy())
      asked.end()
    })
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  agent.destroy()
}
