import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import t from 'tap'
import { install, newFolder, pack, root, withRange } from './project.ts'

const page = await readFile(join(root, 'docs', 'dependencies.md'), 'utf8')

/** A number of the page, by the words around it. */
function promised (words: RegExp): number {
  return Number(words.exec(page)?.[1]?.replaceAll(',', ''))
}

t.test('a fresh install takes what docs/dependencies.md says, give or take 5 %', async (t) => {
  const { tarball, unpackedSize } = await pack(t)
  const alone = await installed(t, await withRange('fastify'))
  const together = await installed(t, await withRange('fastify'), tarball)
  const facts: [what: string, measured: number, promised: number][] = [
    ['MB of Fastify alone', alone.bytes / 1e6, promised(/Fastify alone takes ([\d.]+) MB/)],
    ['MB of both', together.bytes / 1e6, promised(/beside it ([\d.]+) MB/)],
    ['MB more', (together.bytes - alone.bytes) / 1e6, promised(/Of the ([\d.]+) MB\s+more/)],
    ['packages more', together.packages - alone.packages, promised(/(\d+)\s+packages\s+more/)],
    ['MB of fastify-quickstart itself', unpackedSize / 1e6, promised(/fastify-quickstart\s+itself\s+([\d.]+)\s+MB/)]
  ]
  const rows = [...page.matchAll(/^\| `([^`]+)` \|.* ([\d,]+) kB \|$/gm)]
  for (const [, name = '', size = ''] of rows) {
    const bytes = together.sizes.get(name)
    if (bytes !== undefined) facts.push([`kB of ${name}`, bytes / 1e3, Number(size.replaceAll(',', ''))])
  }
  t.ok(facts.length > 20)
  for (const [what, measured, promised] of facts) {
    // The page rounds: 8.6 MB.
    t.ok(Math.abs(measured - promised) <= promised * 0.05 + 0.05, `${what}: ${measured.toFixed(1)}, and the page says ${promised}`)
  }
})

async function installed (t: Parameters<typeof newFolder>[0], ...names: string[]) {
  const folder = await newFolder(t)
  await install(folder, ...names)
  const modules = join(folder, 'node_modules')
  // npm's list of what it put there; package-lock.json also names the binaries for other systems.
  const { packages } = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8')) as { packages: object }
  let bytes = 0
  /** Bytes of a package's own files, by its name. */
  const sizes = new Map<string, number>()
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const { size } = await stat(join(entry.parentPath, entry.name))
    bytes += size
    const [, name = '', rest = ''] = /^((?:@[^/]+\/)?[^/]+)(.*)/.exec(relative(modules, entry.parentPath).replaceAll('\\', '/')) ?? []
    if (!rest.includes('/node_modules/')) sizes.set(name, (sizes.get(name) ?? 0) + size)
  }
  return { packages: Object.keys(packages).length, bytes, sizes }
}
