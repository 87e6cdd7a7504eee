import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { install, newFolder, pack, withRange } from './project.ts'

/** What a fresh install brought beside Fastify's own, on 64-bit Linux. docs/dependencies.md says the same. */
const measured = { packages: 45, megabytes: 18.4 }

t.test('a fresh install does not grow by more than 5 % unnoticed', async (t) => {
  const { tarball } = await pack(t)
  const alone = await installed(t, await withRange('fastify'))
  const together = await installed(t, await withRange('fastify'), tarball)
  const packages = together.packages - alone.packages
  const megabytes = together.megabytes - alone.megabytes
  t.comment(`${packages} packages and ${megabytes.toFixed(1)} MB beside Fastify's own`)
  t.ok(packages <= measured.packages * 1.05, `${packages} packages`)
  t.ok(megabytes <= measured.megabytes * 1.05, `${megabytes.toFixed(1)} MB`)
})

async function installed (t: Parameters<typeof newFolder>[0], ...names: string[]) {
  const folder = await newFolder(t)
  await install(folder, ...names)
  const modules = join(folder, 'node_modules')
  // npm's list of what it put there; package-lock.json also names the binaries for other systems.
  const { packages } = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8')) as { packages: object }
  let bytes = 0
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return { packages: Object.keys(packages).length, megabytes: bytes / 1e6 }
}
