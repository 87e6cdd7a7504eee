import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { execArgv } from '../../compiled/exec-argv.ts'

t.test('keeps many small files, and what is compressed of them, in little more memory than they take', async (t) => {
  const root = t.testdir({ files: {} })
  mkdirSync(join(root, 'files', 'sub'))
  const count = 2000
  let bytes = 0
  for (let index = 0; index < count; index++) {
    const content = `${index} `.repeat(50) + randomBytes(250).toString('hex')
    bytes += content.length + gzipSync(content, { level: 9 }).length + brotliCompressSync(content).length
    writeFileSync(join(root, 'files', 'sub', `${index}.txt`), content)
  }
  // A process of its own: what the rest of these tests holds does not count.
  const program = `
    import Fastify from 'fastify'
    import files from ${JSON.stringify(new URL('../../../plugins/static/index.ts', import.meta.url).href)}
    const held = () => { gc(); gc(); const { heapUsed, external } = process.memoryUsage(); return heapUsed + external }
    const app = Fastify()
    await app.register(async () => {})
    await app.after()
    const before = held()
    await app.register(files, { root: ${JSON.stringify(join(root, 'files'))}, memory: true })
    await app.ready()
    const coding = async () => (await app.inject({ url: '/static/sub/${count - 1}.txt', headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding']
    for (let times = 0; times < 600; times++) {
      if (await coding() === 'gzip') break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    console.log(held() - before)
    await app.close()
  `
  const { stdout, stderr } = spawnSync(process.execPath, [...execArgv, '--expose-gc', '--input-type=module', '-e', program], { encoding: 'utf8', cwd: process.cwd() })
  t.equal(stderr, '')
  const each = (Number(stdout) - bytes) / count
  t.ok(each < 2500, `${each} bytes for each of the files`)
})
