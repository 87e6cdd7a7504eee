import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { install, newFolder, pack, root, runToEnd } from './project.ts'

const { tarball } = await pack(t)
const { peerDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as
  { peerDependencies: Record<string, string> }

/** The lowest version in a range of carets. */
function lowest (name: string): string {
  return /^\^(\d+\.\d+\.\d+)/.exec(peerDependencies[name] ?? '')?.[1] ?? ''
}

/** The versions of Fastify in a folder's node_modules, at any depth. */
async function copiesOfFastify (folder: string): Promise<string[]> {
  const files = await readdir(join(folder, 'node_modules'), { recursive: true })
  const manifests = files.filter((file) => /(?:^|[\\/]node_modules[\\/])fastify[\\/]package\.json$/.test(file))
  return await Promise.all(manifests.map(async (file) => {
    const { version } = JSON.parse(await readFile(join(folder, 'node_modules', file), 'utf8')) as { version: string }
    return version
  }))
}

/** Registers all five by the app's own Fastify, and asks one. */
const program = `
  import Fastify from 'fastify'
  import quickstart, { options } from 'fastify-quickstart'
  const app = Fastify({ ...options, logger: false })
  await app.register(quickstart)
  console.log((await app.inject('/user/alice')).body)
  await app.close()`

t.test('one Fastify serves the app and the command', async (t) => {
  const rows: [what: string, packages: string[], version: RegExp][] = [
    ['the package alone', [tarball], /^5\./],
    ['beside the lowest Fastify', [`fastify@${lowest('fastify')}`, tarball], new RegExp(`^${lowest('fastify')}$`)],
    ['beside each lowest peer', [...Object.keys(peerDependencies).map((name) => `${name}@${lowest(name)}`), tarball],
      new RegExp(`^${lowest('fastify')}$`)]
  ]
  for (const [what, packages, version] of rows) {
    const folder = await newFolder(t)
    await install(folder, ...packages)
    const copies = await copiesOfFastify(folder)
    t.equal(copies.length, 1, what)
    t.match(copies[0], version, what)
    const app = await runToEnd(process.execPath, ['--input-type=module', '--eval', program], folder)
    t.same(app, { code: 0, output: 'User alice\n' }, what)
    const command = await runToEnd('npx', ['fastify-quickstart', 'check'], folder)
    t.match(command, { code: 0, output: /^ready\n/m }, what)
  }
})

t.test('npm refuses an older Fastify, and says which is needed', async (t) => {
  const folder = await newFolder(t)
  const [major, minor] = lowest('fastify').split('.').map(Number)
  const older = `fastify@${major}.${minor! - 1}` // a version has three numbers
  await t.rejects(install(folder, older, tarball), { message: new RegExp(`peer fastify@"\\${peerDependencies.fastify}"`) })
})
