import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findPackageSource } from '../../bin/package-source.ts'
import { lacks } from '../system.ts'

const manifest = JSON.stringify({ version: '1.2.3' })
const registry = 'https://registry.example/fastify-quickstart/-/fastify-quickstart-1.2.3.tgz'

/** A folder node_modules into which npm has put the package from there. */
const installed = (resolved?: string, name = 'fastify-quickstart') => ({
  node_modules: {
    [name]: { 'package.json': manifest, dist: {} },
    '.package-lock.json': JSON.stringify({ packages: { [`node_modules/${name}`]: { resolved } } })
  }
})

t.test('a project takes the package from where it was installed from', async (t) => {
  const bare = () => ({ 'fastify-quickstart': { 'package.json': manifest } })
  const folder = t.testdir({
    'my-app': {},
    'x.tgz': 'a tarball',
    clone: { 'package.json': manifest, dist: {} },
    unbuilt: { 'package.json': manifest },
    registry: installed(registry),
    tarball: installed('file:../x.tgz'),
    'folder-copied': installed('file:../clone'),
    alias: installed('file:../x.tgz', 'quick'),
    gone: installed('file:../gone.tgz'),
    'no-origin': installed(),
    'not-listed': { node_modules: { ...bare(), '.package-lock.json': '{"packages":{}}' } },
    'other-manager': { node_modules: bare() },
    broken: { node_modules: { ...bare(), '.package-lock.json': '{' } },
    strange: { node_modules: { ...bare(), '.package-lock.json': 'null' } }
  })
  const range = { spec: '^1.2.3', isFolder: false, note: '' }
  const unknown = {
    ...range,
    note: 'npm install takes fastify-quickstart ^1.2.3 from the registry. ' +
      'Until it is there, put "file:" and the path of a clone or tarball into package.json.'
  }
  const from = (spec: string) => `npm install takes fastify-quickstart from where this one came from (${spec}).`
  const copies = (spec: string) => `npm install copies fastify-quickstart from this clone (${spec})`
  const rows: [root: string, expected: object][] = [
    ['clone', { spec: 'file:../clone', isFolder: true, note: `${copies('file:../clone')}.` }],
    ['unbuilt', { spec: 'file:../unbuilt', isFolder: true, note: `${copies('file:../unbuilt')}; run npm run build there first.` }],
    ['registry/node_modules/fastify-quickstart', range],
    ['tarball/node_modules/fastify-quickstart', { spec: 'file:../x.tgz', isFolder: false, note: from('file:../x.tgz') }],
    ['folder-copied/node_modules/fastify-quickstart', { spec: 'file:../clone', isFolder: true, note: from('file:../clone') }],
    ['alias/node_modules/quick', { spec: 'file:../x.tgz', isFolder: false, note: from('file:../x.tgz') }],
    ...['gone', 'no-origin', 'not-listed', 'other-manager', 'broken', 'strange'].map((name): [string, object] => {
      return [`${name}/node_modules/fastify-quickstart`, unknown]
    })
  ]
  const wrong: unknown[] = []
  for (const [root, expected] of rows) {
    const found = findPackageSource(join(folder, root), join(folder, 'my-app'))
    if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ root, found })
  }
  t.same(wrong, [])
})

t.test('the path is one that leads there from the project, whatever links lead to it', { skip: lacks.links }, async (t) => {
  const folder = t.testdir({ clone: { 'package.json': manifest, dist: {} }, far: { away: {} } })
  symlinkSync(join(folder, 'far', 'away'), join(folder, 'near'))
  mkdirSync(join(folder, 'near', 'my-app'))
  mkdirSync(join(folder, 'clone', 'inside'))
  t.equal(findPackageSource(join(folder, 'clone'), join(folder, 'near', 'my-app')).spec, 'file:../../../clone')
  t.equal(findPackageSource(join(folder, 'clone'), join(folder, 'clone', 'inside')).spec, 'file:..')
})
