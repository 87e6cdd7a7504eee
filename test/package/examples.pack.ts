import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { install, newFolder, pack, root, runToEnd, startServer } from './project.js'

const { tarball } = await pack(t)
const admin = { headers: { authorization: `Basic ${btoa('admin:secret')}` } }

interface Manifest { dependencies: Record<string, string>, scripts: Record<string, string> }

/** What each example answers: path, request, status, and a text in the answer. */
const answers: Record<string, [path: string, init: RequestInit, status: number, text: string | RegExp][]> = {
  'hello-world': [
    ['/', {}, 200, 'Hello from an example!'],
    ['/none', {}, 404, 'Not Found']
  ],
  'own-app': [
    ['/', {}, 200, '"measurements":'],
    ['/', admin, 200, '"measurements":'],
    ['/admin', {}, 401, '{"problem":"A login is required"}'],
    ['/admin', admin, 200, '<p>Logged in as admin.</p>'],
    ['/admin', admin, 200, 'href="/admin/static/admin.css"'],
    ['/admin/static/admin.css', {}, 401, 'problem'],
    ['/admin/static/admin.css', admin, 200, 'font-family'],
    ['/static/admin.css', admin, 404, 'Not Found'],
    ['/secret', admin, 404, 'Not Found']
  ],
  'all-five': [
    ['/', {}, 200, 'href="/user/Grace%20Hopper"'],
    ['/', {}, 200, 'src="/static/clock.js"'],
    ['/hello', {}, 200, 'Hello World!'],
    ['/static/clock.js', {}, 200, 'toLocaleTimeString'],
    ['/user/Grace%20Hopper', {}, 200, 'User Grace Hopper'],
    ['/notes', {}, 401, 'A login is required'],
    ['/notes', admin, 200, 'water the &lt;plants&gt;'],
    ['/notes', admin, 200, 'Logged in as admin.'],
    ['/secret', admin, 200, 'admin']
  ],
  chatbot: [
    ['/', {}, 401, 'A login is required'],
    ['/', admin, 200, 'a small imitation of ELIZA'],
    ['/health', {}, 200, 'ok'],
    ['/static/chat.js', {}, 200, 'addEventListener'],
    ['/answer', { ...admin, method: 'POST', body: new URLSearchParams({ question: 'I need a holiday' }) }, 200, /event: done/]
  ]
}

t.test('each example is tried', async (t) => {
  const folders = (await readdir(join(root, 'examples'), { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  t.same(folders.sort(), Object.keys(answers).sort())
})

for (const [name, expected] of Object.entries(answers)) {
  t.test(`${name} is installed and started with npm, and answers`, async (t) => {
    const folder = await newFolder(t)
    await cp(join(root, 'examples', name), folder, { recursive: true, filter: (source) => !source.includes('node_modules') })
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    const { dependencies, scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
    t.equal(dependencies['fastify-quickstart'], `^${version}`, 'it asks for this version')

    await install(folder, tarball)
    const url = await startServer(t, 'npm', ['start'], folder, { PORT: '0' })
    for (const [path, init, status, text] of expected) {
      const answer = await fetch(url + path, init)
      t.equal(answer.status, status, path)
      t.match(await answer.text(), text, path)
    }
    if (scripts.test !== undefined) {
      const { code, output } = await runToEnd('npm', ['test'], folder)
      t.equal(code, 0, 'its own tests pass', code === 0 ? {} : { output })
    }
  })
}
