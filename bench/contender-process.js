import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onCore, serverCore } from './cores.js'

/** @typedef {{ topic: string, [setting: string]: unknown }} Job what a contender is to serve */
/** @typedef {{ status: number, headers: import('node:http').IncomingHttpHeaders, body: Buffer }} Answer */

let jobs = 0

/** A contender that runs as a process of its own, on a core of its own where the system can, on a port of its own. */
export class ContenderProcess {
  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {number} port
   * @param {number} started when it was started, in milliseconds
   * @param {number} [took] until its first answer, where it knows by itself
   */
  constructor (child, port, started, took) {
    this.child = child
    this.port = port
    this.started = started
    this.took = took
  }

  /**
   * @param {string} file name of its module in contenders/
   * @param {Job} job
   * @param {string} folder where to leave the job for it. A log goes to the standard output, which is /dev/null then
   */
  static async start (file, job, folder) {
    const jobFile = join(folder, `job-${++jobs}.json`)
    await writeFile(jobFile, JSON.stringify(job))

    const started = performance.now()
    const [command, ...args] = onCore(serverCore, [process.execPath, '--expose-gc', fileURLToPath(new URL(`contenders/${file}`, import.meta.url)), jobFile])
    const child = spawn(command, args, { stdio: ['ignore', job.log === true ? 'ignore' : 'inherit', 'inherit', 'ipc'], env: { ...process.env, NODE_ENV: 'production' } })
    const { port, took } = await new Promise((resolve, reject) => {
      child.once('message', resolve)
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it served ${job.topic}`)))
    })
    return new ContenderProcess(child, port, started, took)
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Answer>}
   */
  async ask (path, headers = {}) {
    const asked = request({ host: '127.0.0.1', port: this.port, path, headers, agent: false })
    asked.end()
    const [response] = await once(asked, 'response')
    const body = Buffer.concat(await response.toArray())
    return { status: response.statusCode, headers: response.headers, body }
  }

  /**
   * @returns {Promise<{ resident: number | null, live: number | null }>} in bytes: of the process, and what its code
   * holds on to
   */
  async memory () {
    this.child.send('memory')
    return (await once(this.child, 'message'))[0]
  }

  /**
   * @returns {Promise<number>} processor time that it has used so far, in microseconds; of no use where it stands in
   * for another server
   */
  async processorTime () {
    this.child.send('processor time')
    const [{ user, system }] = await once(this.child, 'message')
    return user + system
  }

  async stop () {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    if (this.child.connected) this.child.disconnect()
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 3000)
    await ended
    clearTimeout(timer)
  }
}
